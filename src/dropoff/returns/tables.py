import sqlalchemy as sa

from dropoff.db.schema import at, id_column, live_column, metadata, one_of, ref, text
from dropoff.returns.rules import CUSTODY, RESOLUTION

# Written out, not bound: only so does a query that says the same use the index with this condition.
TAKEN = sa.text("custody NOT IN ('cancelled', 'expired')")
WAITING = sa.text("status IN ('issued', 'partly_handed_in')")

order = sa.Table(
    "order",
    metadata,
    id_column(),
    ref("retailer_id", "retailer.id"),
    text("reference", 200),
    at("placed_at"),
    at("delivered_at", nullable=True),
    text("currency", 3),
    live_column(),
    text("content_hash", 64),
    # Personal data: these columns and no others, so that a retention job can erase them.
    sa.Column("shopper_name", sa.String(200)),
    sa.Column("shopper_email", sa.String(320)),
    sa.Column("shopper_phone", sa.String(60)),
    sa.Column("shopper_locale", sa.String(35)),
    sa.Column("shopper_postcode", sa.String(20)),
    sa.Column("shopper_country", sa.String(2)),
    at("created_at"),
    sa.UniqueConstraint("retailer_id", "reference"),  # one order per reference of a retailer
)

order_line = sa.Table(
    "order_line",
    metadata,
    id_column(),
    ref("order_id", "order.id", index=True),
    ref("retailer_id", "retailer.id"),
    sa.Column("position", sa.Integer, nullable=False),
    text("sku", 100),
    text("title", 200),
    sa.Column("variant", sa.String(200)),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("unit_price", sa.BigInteger, nullable=False),
    sa.Column("weight_g", sa.Integer),
    sa.Column("category", sa.String(100)),
    sa.Column("image_url", sa.String(2000)),
    sa.CheckConstraint("quantity > 0 AND unit_price >= 0", name="amounts"),
)

returns = sa.Table(
    "return",
    metadata,
    id_column(),
    ref("retailer_id", "retailer.id"),
    ref("order_id", "order.id", index=True),
    live_column(),
    text("currency", 3),
    text("status", 20),  # derived by rules.status_of from the units whenever one moves
    at("created_at"),
    at("last_day_at"),
    at("expires_at"),
    sa.Column("generation", sa.Integer, nullable=False),
    text("code_hash", 64, unique=True),  # two passes never share a code
    text("short_hash", 64, unique=True),
    sa.Column("holder", sa.String(200)),
    sa.Column("next_kind", sa.String(20)),
    at("next_at", nullable=True),
    sa.Index("ix_return_list", "retailer_id", "id"),
    sa.Index("ix_return_status", "retailer_id", "status", "id"),
    # What may still expire. Of the others there are ever more, and the sweep must not read them all each time.
    sa.Index("ix_return_waiting", "expires_at", sqlite_where=WAITING, postgresql_where=WAITING),
)

unit = sa.Table(
    "unit",
    metadata,
    id_column(),
    ref("return_id", "return.id", index=True),
    ref("retailer_id", "retailer.id"),
    ref("order_line_id", "order_line.id"),
    sa.Column("ordinal", sa.Integer, nullable=False),  # which of the line's things, 1 to its quantity
    text("sku", 100),
    text("title", 200),
    sa.Column("variant", sa.String(200)),
    sa.Column("image_url", sa.String(2000)),
    sa.Column("price", sa.BigInteger, nullable=False),
    sa.Column("weight_g", sa.Integer),
    text("reason", 20),
    sa.Column("comment", sa.String(1000)),
    text("wanted", 15),
    sa.Column("exchange_for", sa.String(100)),
    text("custody", 12),
    text("resolution", 12),
    sa.Column("parcel_id", sa.String(30), index=True),
    sa.Column("condition", sa.String(15)),
    sa.Column("disposition", sa.String(15)),
    at("handed_in_at", nullable=True),
    at("received_at", nullable=True),
    one_of("custody", CUSTODY),
    one_of("resolution", RESOLUTION),
    # One thing is in at most one open return: a race of any kind loses here.
    sa.Index(
        "uq_unit_open",
        "order_line_id",
        "ordinal",
        unique=True,
        sqlite_where=TAKEN,
        postgresql_where=TAKEN,
    ),
)

visit = sa.Table(
    "visit",
    metadata,
    id_column(),
    live_column(),
    text("code_hash", 64, unique=True),  # two visits never share a code
    text("short_hash", 64, unique=True),
    at("created_at"),
    at("expires_at", index=True),  # when its last pass ends; then it is forgotten
)

visit_return = sa.Table(
    "visit_return",
    metadata,
    ref("visit_id", "visit.id", primary_key=True),  # a return is in a visit once
    ref("return_id", "return.id", primary_key=True, index=True),
    at("added_at"),
)
