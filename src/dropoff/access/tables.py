import sqlalchemy as sa

from dropoff.db.schema import Serial, at, id_column, live_column, metadata, one_of, text

ROLES = ("operator", "retailer", "device")

credential = sa.Table(
    "credential",
    metadata,
    id_column(),
    text("hash", 64, unique=True),  # one token, one credential
    text("role", 10),
    text("name", 200),
    sa.Column("retailer_id", sa.String(30), index=True),
    sa.Column("device_id", sa.String(30), index=True),
    sa.Column("location_id", sa.String(30)),
    live_column(),
    at("created_at"),
    at("revoked_at", nullable=True),
    one_of("role", ROLES),
    # A retailer's key without a retailer, or a device's token without a place, would see everyone's things.
    sa.CheckConstraint("role <> 'retailer' OR retailer_id IS NOT NULL", name="retailer"),
    sa.CheckConstraint("role <> 'device' OR (device_id IS NOT NULL AND location_id IS NOT NULL)", name="device"),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("credential_id", sa.String(30), sa.ForeignKey("credential.id"), nullable=False, index=True),
    at("created_at"),
    at("expires_at", index=True),
)

# Wrong guesses, counted here and not in a process, so that several servers count together and a restart forgets none.
guess = sa.Table(
    "guess",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    text("kind", 20),
    text("subject", 64),  # whose, or a keyed hash of where from: never an address
    at("at", index=True),
    sa.Index("ix_guess_count", "kind", "subject", "at"),
)

secret_mark = sa.Table(
    "secret_mark",
    metadata,
    # Derived from `DROPOFF_SECRET`: a process with another secret is told so at its start.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    text("mark", 64),
    sa.CheckConstraint("id = 1", name="single"),
)
