import sqlalchemy as sa

from dropoff.counter.rules import CONTAINER_STATES, PARCEL_STATES
from dropoff.db.schema import Json, at, id_column, live_column, metadata, one_of, ref, text

LOOSE = sa.text("container_id IS NULL AND location_id IS NOT NULL")
INSIDE = sa.text("container_id IS NOT NULL")
HERE = sa.text("removed_at IS NULL")
RUNS = sa.text("ended_at IS NULL")
CURRENT = sa.text("retired_at IS NULL")

hand_in = sa.Table(
    "hand_in",
    metadata,
    id_column(),
    ref("location_id", "location.id"),
    ref("device_id", "device.id"),
    text("actor", 60),
    live_column(),
    sa.Column("return_id", sa.String(30), index=True),  # null when the pass was unknown
    sa.Column("retailer_id", sa.String(30)),
    text("verdict", 10),
    sa.Column("reason", sa.String(30)),
    sa.Column("request", Json, nullable=False),  # what was asked, without the pass itself
    sa.Column("answer", Json, nullable=False),
    sa.Column("receipt_hash", sa.String(64), unique=True),
    at("scanned_at"),
    at("received_at"),
    at("undone_at", nullable=True),
    sa.Column("took_ms", sa.Integer),  # counter time, as the till measured it
    at("custody_at", nullable=True),  # when it really was, the device's clock set right; null of older rows
    sa.Column("clerk_id", sa.String(30)),  # who stood there, where the place has clerks
    one_of("verdict", ("accepted", "already", "refused")),
    sa.Index("ix_hand_in_place", "location_id", "received_at"),  # a place's day, week and month
)

# What the operator pays a place for a parcel, from a day on. A row is never changed: of several for one day the latest
# set holds, and a place's own goes before its partner's.
parcel_rate = sa.Table(
    "parcel_rate",
    metadata,
    id_column(),
    ref("location_id", "location.id", nullable=True, index=True),
    sa.Column("operator", sa.String(200), index=True),  # as `location.operator`
    sa.Column("amount", sa.BigInteger, nullable=False),
    text("currency", 3),
    sa.Column("valid_from", sa.Date, nullable=False),  # by the clock of the place
    at("set_at"),
    text("set_by", 60),
    sa.CheckConstraint("(location_id IS NULL) <> (operator IS NULL)", name="scope"),  # one place, or one partner
    sa.CheckConstraint("amount >= 0", name="amount"),  # no place owes for what it took in
)

earning_statement = sa.Table(
    "earning_statement",
    metadata,
    # A month that is over is told once: whatever becomes of rates and places later, it stays the same.
    ref("location_id", "location.id", primary_key=True),
    sa.Column("month", sa.Date, primary_key=True),
    sa.Column("content", Json, nullable=False),
    at("made_at"),
)

# Who works at a place: what the shop calls them, and nothing else. When one leaves, the initials stay.
clerk = sa.Table(
    "clerk",
    metadata,
    id_column(),
    ref("location_id", "location.id"),
    text("name", 40),
    text("initials", 4),
    sa.Column("pin_hash", sa.String(120)),
    sa.Column("badge_hash", sa.String(64), unique=True),  # one badge, one clerk
    at("created_at"),
    at("removed_at", nullable=True),
    # Two people with one pair of initials could not be told apart.
    sa.Index("uq_clerk_initials", "location_id", "initials", unique=True, sqlite_where=HERE, postgresql_where=HERE),
)

shift = sa.Table(
    "shift",
    metadata,
    id_column(),
    ref("location_id", "location.id"),
    ref("device_id", "device.id"),
    ref("clerk_id", "clerk.id", index=True),
    at("began_at"),
    at("seen_at"),  # the last action, within some seconds
    at("ended_at", nullable=True),
    sa.Column("note", sa.String(200)),  # to whoever comes next
    # One person at a time stands at a till.
    sa.Index("uq_shift_open", "device_id", unique=True, sqlite_where=RUNS, postgresql_where=RUNS),
    sa.Index("ix_shift_ended", "location_id", "ended_at"),
)

# What a place asks of its tills.
counter_rule = sa.Table(
    "counter_rule",
    metadata,
    ref("location_id", "location.id", primary_key=True),
    sa.Column("lock_after_min", sa.Integer),
    sa.CheckConstraint("lock_after_min > 0", name="lock_after"),  # a till that locks at once takes nothing in
)

signing_key = sa.Table(
    "signing_key",
    metadata,
    id_column(),
    text("purpose", 20),
    text("public", 64),
    sa.Column("sealed", sa.LargeBinary),  # the private half, while it may sign
    at("created_at"),
    at("retired_at", nullable=True),
    at("revoked_at", nullable=True),
    one_of("purpose", ("receipt",)),
    # One key signs at a time: of several servers that start or rotate together, one makes it.
    sa.Index("uq_signing_key_current", "purpose", unique=True, sqlite_where=CURRENT, postgresql_where=CURRENT),
    # A retired key can sign no more.
    sa.CheckConstraint("(retired_at IS NULL) = (sealed IS NOT NULL)", name="private_half"),
)

signed_receipt = sa.Table(
    "signed_receipt",
    metadata,
    # Signed once: a receipt is the same text whenever it is asked for, also after its key was replaced.
    ref("hand_in_id", "hand_in.id", primary_key=True),
    text("kind", 10, primary_key=True),
    ref("key_id", "signing_key.id"),
    sa.Column("compact", sa.Text, nullable=False),
    at("signed_at"),
    one_of("kind", ("receipt", "undo")),
)

counter_attempt = sa.Table(
    "counter_attempt",
    metadata,
    id_column(),
    text("kind", 20),  # scan, short_code, container, add_parcel, seal, unseal, undo, handover, override, retag, …
    ref("location_id", "location.id"),
    ref("device_id", "device.id"),
    text("actor", 60),
    sa.Column("clerk_id", sa.String(30)),
    sa.Column("object", sa.String(200)),
    text("verdict", 10),
    sa.Column("reason", sa.String(30)),
    sa.Column("request", Json, nullable=False),  # never what was scanned: it may be a pass
    at("at"),
    # How many short codes a device has lately guessed wrong is counted here.
    sa.Index("ix_counter_attempt_device", "device_id", "kind", "at"),
    sa.Index("ix_counter_attempt_place", "location_id", "at"),  # what was done there today
)

parcel = sa.Table(
    "parcel",
    metadata,
    id_column(),
    ref("return_id", "return.id", index=True),
    ref("retailer_id", "retailer.id", index=True),
    ref("hand_in_id", "hand_in.id", index=True),
    live_column(),
    text("tag", 20, index=True),  # the current one
    sa.Column("weight_g", sa.Integer),
    text("status", 15),
    ref("location_id", "location.id", nullable=True),  # where it is; null while it travels
    ref("container_id", "container.id", nullable=True),
    at("tagged_at"),
    at("arrived_at"),  # where it is now: what came after a cut-off waits for the next departure
    one_of("status", PARCEL_STATES),
    # Almost all parcels came home long ago: these two hold the few that are still on their way.
    sa.Index("ix_parcel_loose", "location_id", sqlite_where=LOOSE, postgresql_where=LOOSE),
    sa.Index("ix_parcel_inside", "container_id", sqlite_where=INSIDE, postgresql_where=INSIDE),
)

tag = sa.Table(
    "tag",
    metadata,
    # Unique for good: a tag that was ever on a parcel is never on another.
    sa.Column("tag", sa.String(20), primary_key=True),
    ref("parcel_id", "parcel.id", index=True),
    ref("roll_id", "tag_roll.id", nullable=True, index=True),  # the roll it came from, if that is registered
    at("attached_at"),
    at("void_at", nullable=True),
)

tag_roll = sa.Table(
    "tag_roll",
    metadata,
    id_column(),
    ref("location_id", "location.id", index=True),
    # Tags are counted by the running number at their end; see kernel.tags.TagNumber.
    text("stem", 20),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    # How many of them were ever on a parcel: counted up where tags are attached, in the same transaction.
    sa.Column("used", sa.Integer, nullable=False),
    at("registered_at"),
    text("registered_by", 60),
    at("retired_at", nullable=True),
    at("low_at", nullable=True),  # when its place was told that few are left
    # A tag is counted once: no more can be used than there are.
    sa.CheckConstraint("used >= 0 AND used <= last - first + 1", name="used"),
    sa.CheckConstraint("first >= 0 AND first <= last", name="range"),
    sa.Index("ix_tag_roll_number", "stem", "width", "first"),
)

label_range = sa.Table(
    "label_range",
    metadata,
    # Bag labels printed beforehand: their numbers are drawn from `sscc_serial`, so no bag gets one by itself.
    id_column(),
    text("prefix", 12),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    ref("location_id", "location.id", nullable=True, index=True),
    at("printed_at"),
    text("printed_by", 60),
    sa.CheckConstraint("first >= 0 AND first <= last", name="range"),
    sa.Index("ix_label_range_number", "prefix", "first"),
)

container = sa.Table(
    "container",
    metadata,
    id_column(),
    text("sscc", 18, unique=True),  # one SSCC per filling, never reused
    text("kind", 10),
    text("status", 12),
    ref("location_id", "location.id", nullable=True, index=True),  # where it is; null while it travels
    ref("origin_location_id", "location.id"),
    live_column(),
    # The next stop, fixed by the first parcel.
    sa.Column("next_kind", sa.String(10)),
    sa.Column("next_id", sa.String(30)),
    sa.Column("retailer_id", sa.String(30)),  # set when it goes to a retailer: then it holds that retailer's only
    # The country behind the customs border that its goods cross; empty when they cross none. Papers go with the bag,
    # so what needs them travels apart.
    sa.Column("customs", sa.String(2), nullable=False, server_default=""),
    sa.Column("weight_g", sa.BigInteger, nullable=False),
    sa.Column("parcel_count", sa.Integer, nullable=False),
    sa.Column("grai", sa.String(30)),
    sa.Column("seal", sa.String(60)),
    at("opened_at"),
    at("sealed_at", nullable=True),
    # The shipment that claims it; a claimed container cannot be unsealed. Not a foreign key: freight lies above.
    sa.Column("shipment_id", sa.String(30), index=True),
    one_of("kind", ("bag", "tote", "cage", "pallet", "parcel")),
    one_of("status", CONTAINER_STATES),
    sa.Index("ix_container_status", "status", "location_id"),
    sa.CheckConstraint("weight_g >= 0 AND parcel_count >= 0", name="load"),
)

container_parcel = sa.Table(
    "container_parcel",
    metadata,
    # What a filling holds or held: it stays when the parcel is unpacked at its end, and goes when it is taken out
    # before the container left. `parcel.container_id` is where the parcel is now.
    ref("container_id", "container.id", primary_key=True),
    ref("parcel_id", "parcel.id", primary_key=True, index=True),
    at("packed_at"),
)

sscc_serial = sa.Table(
    "sscc_serial",
    metadata,
    # A GS1 company prefix, or `T` for the tags.
    sa.Column("prefix", sa.String(12), primary_key=True),
    sa.Column("next", sa.BigInteger, nullable=False),
)

counter_photo = sa.Table(
    "counter_photo",
    metadata,
    id_column(),
    ref("retailer_id", "retailer.id"),
    ref("return_id", "return.id", index=True),
    ref("unit_id", "unit.id"),
    ref("hand_in_id", "hand_in.id", index=True),
    ref("location_id", "location.id"),
    text("actor", 60),
    sa.Column("refused", sa.String(30)),  # why the unit was not taken; null when it was
    sa.Column("note", sa.String(200)),
    sa.Column("body", sa.LargeBinary, nullable=False),  # a JPEG of our own making
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    at("taken_at"),
)
