import sqlalchemy as sa

from dropoff.db.schema import Json, at, id_column, live_column, metadata, one_of, ref, text

intake = sa.Table(
    "intake",
    metadata,
    id_column(),
    text("at_kind", 10),
    sa.Column("retailer_id", sa.String(30), index=True),
    sa.Column("location_id", sa.String(30), index=True),
    text("sscc", 18, index=True),
    sa.Column("container_id", sa.String(30)),
    live_column(),
    text("actor", 60),
    sa.Column("complete", sa.Boolean, nullable=False),
    sa.Column("received", Json, nullable=False),
    sa.Column("missing", Json, nullable=False),
    sa.Column("unexpected", Json, nullable=False),
    sa.Column("cases", Json, nullable=False),
    at("at"),
    one_of("at_kind", ("retailer", "hub")),
)

inspection = sa.Table(
    "inspection",
    metadata,
    id_column(),
    ref("unit_id", "unit.id", unique=True),  # a unit is inspected once
    ref("retailer_id", "retailer.id", index=True),
    text("condition", 15),
    text("disposition", 15),
    sa.Column("reduction", sa.BigInteger, nullable=False),
    sa.Column("note", sa.String(2000)),
    text("actor", 60),
    at("at"),
    one_of("condition", ("as_new", "opened", "worn", "damaged", "wrong_item")),
    one_of("disposition", ("restock", "refurbish", "resell", "recycle", "destroy", "reject")),
)
