import sqlalchemy as sa

from dropoff.db.schema import Json, at, id_column, live_column, metadata, text

retailer = sa.Table(
    "retailer",
    metadata,
    id_column(),
    text("name", 200),
    text("slug", 60, unique=True),
    text("country", 2),
    text("currency", 3),
    sa.Column("currencies", Json, nullable=False),
    text("locale", 35),
    text("zone", 60),
    sa.Column("return_address", Json, nullable=False),
    sa.Column("policy", Json, nullable=False),
    live_column(),
    at("created_at"),
    sa.Column("portal_url", sa.String(300)),  # where its customers begin a return
)
