import sqlalchemy as sa

from dropoff.cases.rules import KINDS, OUTCOMES
from dropoff.db.schema import Json, at, id_column, live_column, metadata, one_of, text

case = sa.Table(
    "case",
    metadata,
    id_column(),
    text("kind", 30),
    text("owner", 10),  # who has to act
    sa.Column("retailer_id", sa.String(30), index=True),
    sa.Column("location_id", sa.String(30), index=True),
    # What the case is about, once: repeating the report of the same fact opens no second case.
    text("subject", 200),
    sa.Column("objects", Json, nullable=False),
    text("detail", 1000),
    live_column(),
    at("opened_at"),
    at("due_at"),
    sa.Column("outcome", sa.String(20)),
    sa.Column("note", sa.String(2000)),
    at("resolved_at", nullable=True),
    sa.Column("resolved_by", sa.String(60)),
    one_of("kind", KINDS),
    one_of("owner", ("operator", "retailer")),
    sa.CheckConstraint(
        "outcome IS NULL OR outcome IN ({})".format(", ".join(f"'{o}'" for o in OUTCOMES)), name="outcome"
    ),
    sa.Index(
        "uq_case_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    ),
)
