import sqlalchemy as sa

from dropoff.db.schema import Json, at, id_column, live_column, metadata, one_of, ref, text
from dropoff.lockers import rules
from dropoff.ports.locker import SIZES


def _among(states: tuple[str, ...]) -> sa.TextClause:
    return sa.text("state IN ({})".format(", ".join(f"'{state}'" for state in states)))


CONNECTED = sa.text("disconnected_at IS NULL")
KEPT = sa.text("freed_at IS NULL")
LIVE = _among(rules.LIVE)
HELD = _among(rules.HOLDING)

locker_bank = sa.Table(
    "locker_bank",
    metadata,
    id_column(),
    ref("location_id", "location.id"),
    ref("device_id", "device.id"),  # who takes in what is put into it
    text("adapter", 60),
    text("bank", 200),
    sa.Column("settings", sa.LargeBinary, nullable=False),  # sealed: they hold the bank's key
    at("connected_at"),
    text("connected_by", 60),
    at("disconnected_at", nullable=True),
    sa.Column("compartments", Json, nullable=False),  # as the bank last told them
    at("seen_at", nullable=True),  # when it last answered
    sa.Column("problem", sa.String(300)),  # why it does not, when it does not
    # One bank at a place: its doors are numbered once.
    sa.Index("uq_locker_bank_place", "location_id", unique=True, sqlite_where=CONNECTED, postgresql_where=CONNECTED),
)

locker_deposit = sa.Table(
    "locker_deposit",
    metadata,
    id_column(),
    ref("bank_id", "locker_bank.id", index=True),
    ref("location_id", "location.id"),
    ref("return_id", "return.id", index=True),
    ref("retailer_id", "retailer.id"),
    live_column(),
    text("size", 10),
    sa.Column("units", Json, nullable=False),
    text("state", 12),
    sa.Column("compartment", sa.String(20)),
    sa.Column("reason", sa.String(30)),  # why it stands as it stands, when somebody has to know
    at("created_at"),
    at("changed_at"),
    at("expires_at", nullable=True),
    at("told_at", nullable=True),  # when the door was last told to open
    at("looked_at", nullable=True),  # one look at a time, whoever looks
    at("confirmed_at", nullable=True),  # the shopper says that it is in
    at("reminded_at", nullable=True),  # a case was opened because the door stands open
    ref("hand_in_id", "hand_in.id", nullable=True),
    ref("parcel_id", "parcel.id", nullable=True, index=True),
    at("freed_at", nullable=True),  # the bank has the compartment back, or never gave it
    one_of("state", rules.DEPOSIT_STATES),
    one_of("size", SIZES),
    # Never two doors for one parcel, however often the shopper taps.
    sa.Index("uq_locker_deposit_return", "return_id", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
    # One parcel in a compartment, whatever the bank says.
    sa.Index(
        "uq_locker_deposit_compartment",
        "bank_id",
        "compartment",
        unique=True,
        sqlite_where=HELD,
        postgresql_where=HELD,
    ),
    # Almost all were emptied long ago: this one holds the few that somebody has to look after.
    sa.Index("ix_locker_deposit_kept", "state", sqlite_where=KEPT, postgresql_where=KEPT),
)
