import sqlalchemy as sa

from dropoff.db.schema import Serial, at, id_column, live_column, metadata, one_of, text

# Ids of other rooms are plain columns here: money and returns know each other by id only.

balance = sa.Table(
    "balance",
    metadata,
    sa.Column("unit_id", sa.String(30), primary_key=True),
    text("return_id", 30, index=True),
    text("retailer_id", 30),
    text("currency", 3),
    sa.Column("price", sa.BigInteger, nullable=False),
    sa.Column("expected", sa.BigInteger, nullable=False),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("paid", sa.BigInteger, nullable=False),
    at("due_by", nullable=True),
    # Never more money than the unit cost, whatever is posted in parallel.
    sa.CheckConstraint(
        "paid BETWEEN 0 AND price AND due BETWEEN 0 AND price AND expected BETWEEN 0 AND price", name="bounds"
    ),
)

entry = sa.Table(
    "ledger_entry",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    text("unit_id", 30, index=True),
    text("return_id", 30, index=True),
    text("retailer_id", 30),
    text("account", 10),
    sa.Column("amount", sa.BigInteger, nullable=False),  # signed change of the account
    text("currency", 3),
    sa.Column("refund_id", sa.String(30)),
    at("at"),
    one_of("account", ("expected", "due", "paid")),
)

refund = sa.Table(
    "refund",
    metadata,
    id_column(),
    text("retailer_id", 30),
    text("return_id", 30, index=True),
    text("kind", 10),
    text("reference", 200),
    sa.Column("amount", sa.BigInteger, nullable=False),
    text("currency", 3),
    text("content_hash", 64),
    live_column(),
    at("created_at"),
    one_of("kind", ("refund", "credit", "exchange")),
    # Money is told apart by its reference, never by its content. An exchange order may replace things of several calls.
    sa.Index(
        "uq_refund_reference",
        "retailer_id",
        "kind",
        "reference",
        unique=True,
        sqlite_where=sa.text("kind <> 'exchange'"),
        postgresql_where=sa.text("kind <> 'exchange'"),
    ),
    # The hash covers the reference, so the same call again is found, an exchange's too.
    sa.UniqueConstraint("retailer_id", "content_hash"),
)
