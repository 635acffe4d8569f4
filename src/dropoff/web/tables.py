import sqlalchemy as sa

from dropoff.db.schema import at, metadata, text

idempotency = sa.Table(
    "idempotency",
    metadata,
    # The scope (principal, method, path) and the key, hashed together: one answer per key, kept by the primary key.
    sa.Column("key_hash", sa.String(64), primary_key=True),
    text("fingerprint", 64),
    sa.Column("status", sa.Integer),
    sa.Column("sealed_body", sa.LargeBinary),
    at("created_at", index=True),
)
