import sqlalchemy as sa

from dropoff.db.schema import Json, Serial, at, current_xid, id_column, live_column, metadata, one_of, ref, text

JOB_STATES = ("ready", "running", "done", "dead")
_OF_A_PLACE = sa.text("location_id IS NOT NULL AND retailer_id IS NULL")

event = sa.Table(
    "event",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    # The writing transaction on PostgreSQL (0 on SQLite, which has one writer): numbers become visible out of order
    # there, so a cursor goes by (xid, seq) and passes only what no running transaction can still precede.
    sa.Column("xid", sa.BigInteger, nullable=False, default=current_xid()),
    text("id", 30, unique=True),
    text("type", 40),
    sa.Column("retailer_id", sa.String(30)),
    sa.Column("location_id", sa.String(30)),
    live_column(),
    text("actor", 60),
    at("at"),
    at("device_at", nullable=True),
    sa.Column("objects", Json, nullable=False),  # {"return": id, "units": [ids], …}
    sa.Column("data", Json, nullable=False),
    sa.Column("return_id", sa.String(30), index=True),
    sa.Column("clerk_id", sa.String(30)),  # who stood at the till: for the place and its operator, told to nobody else
    sa.Index("ix_event_cursor", "xid", "seq"),
    sa.Index("ix_event_retailer_cursor", "retailer_id", "xid", "seq"),
    # A place's own story for its operator, without the hand-ins, which would make it as long as the log.
    sa.Index("ix_event_place", "location_id", "seq", sqlite_where=_OF_A_PLACE, postgresql_where=_OF_A_PLACE),
)

consumer = sa.Table(
    "consumer",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("xid", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

job = sa.Table(
    "job",
    metadata,
    id_column(),
    text("kind", 60),
    sa.Column("payload", Json, nullable=False),
    # Set, it makes the job unique among all of its kind: enqueueing twice leaves one.
    sa.Column("key", sa.String(200)),
    # For whom it is, where one party's jobs must not hold up another's.
    sa.Column("party", sa.String(30)),
    text("state", 10),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("max_attempts", sa.Integer, nullable=False),
    at("run_at"),
    at("lease_until", nullable=True),
    # Counts the claims: only the worker of the last claim may finish the job (fencing token).
    sa.Column("fence", sa.Integer, nullable=False),
    at("created_at"),
    at("ended_at", nullable=True),
    sa.Column("last_error", sa.String(1000)),
    one_of("state", JOB_STATES),
    sa.UniqueConstraint("kind", "key"),
    sa.Index("ix_job_due", "state", "run_at"),
    sa.Index("ix_job_lease", "state", "lease_until"),
)

job_attempt = sa.Table(
    "job_attempt",
    metadata,
    sa.Column("job_id", sa.String(30), sa.ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    at("started_at"),
    at("ended_at", nullable=True),
    sa.Column("error", sa.String(1000)),
)

webhook_endpoint = sa.Table(
    "webhook_endpoint",
    metadata,
    id_column(),
    # The retailer's id is not a foreign key: this room lies below the retailers'.
    text("retailer_id", 30, index=True),
    text("url", 2000),
    sa.Column("events", Json, nullable=False),
    sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
    live_column(),
    at("created_at"),
    at("disabled_at", nullable=True),
    sa.Column("disabled_reason", sa.String(200)),
)

webhook_delivery = sa.Table(
    "webhook_delivery",
    metadata,
    id_column(),
    ref("endpoint_id", "webhook_endpoint.id"),
    ref("event_id", "event.id"),
    text("retailer_id", 30, index=True),
    text("state", 10),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.String(500)),
    at("created_at"),
    at("delivered_at", nullable=True),
    one_of("state", ("pending", "delivered", "failed", "dropped")),
    sa.UniqueConstraint("endpoint_id", "event_id"),  # the fan-out may run twice: each endpoint hears an event once
)
