"""Banks of lockers, and what is put into them

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('missing', 'unexpected', 'double_hand_in', 'booking_unknown', 'handover_unscanned', 'seal_broken',"
    " 'lost', 'driver_missed', 'help', 'locker_problem')"
)
LIVE = sa.text("state IN ('reserving', 'reserved', 'opening', 'open')")
HELD = sa.text("state IN ('reserved', 'opening', 'open', 'deposited')")
CONNECTED = sa.text("disconnected_at IS NULL")
KEPT = sa.text("freed_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_case_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_case_kind"), KINDS)
    op.create_table(
        "locker_bank",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("device_id", sa.String(length=30), nullable=False),
        sa.Column("adapter", sa.String(length=60), nullable=False),
        sa.Column("bank", sa.String(length=200), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("connected_at", schema.Timestamp(), nullable=False),
        sa.Column("connected_by", sa.String(length=60), nullable=False),
        sa.Column("disconnected_at", schema.Timestamp(), nullable=True),
        sa.Column("compartments", schema.Json, nullable=False),
        sa.Column("seen_at", schema.Timestamp(), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_locker_bank_location_id")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_locker_bank_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locker_bank")),
    )
    op.create_index(
        "uq_locker_bank_place",
        "locker_bank",
        ["location_id"],
        unique=True,
        sqlite_where=CONNECTED,
        postgresql_where=CONNECTED,
    )
    op.create_table(
        "locker_deposit",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("bank_id", sa.String(length=30), nullable=False),
        sa.Column("location_id", sa.String(length=30), nullable=False),
        sa.Column("return_id", sa.String(length=30), nullable=False),
        sa.Column("retailer_id", sa.String(length=30), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("size", sa.String(length=10), nullable=False),
        sa.Column("units", schema.Json, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("compartment", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("created_at", schema.Timestamp(), nullable=False),
        sa.Column("changed_at", schema.Timestamp(), nullable=False),
        sa.Column("expires_at", schema.Timestamp(), nullable=True),
        sa.Column("told_at", schema.Timestamp(), nullable=True),
        sa.Column("looked_at", schema.Timestamp(), nullable=True),
        sa.Column("confirmed_at", schema.Timestamp(), nullable=True),
        sa.Column("reminded_at", schema.Timestamp(), nullable=True),
        sa.Column("hand_in_id", sa.String(length=30), nullable=True),
        sa.Column("parcel_id", sa.String(length=30), nullable=True),
        sa.Column("freed_at", schema.Timestamp(), nullable=True),
        sa.CheckConstraint(
            "state IN ('reserving', 'reserved', 'opening', 'open', 'deposited', 'collected', 'refused', 'expired',"
            " 'released', 'blocked', 'cleared')",
            name=op.f("ck_locker_deposit_state"),
        ),
        sa.CheckConstraint("size IN ('small', 'medium', 'large')", name=op.f("ck_locker_deposit_size")),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_locker_deposit_{column}"))
            for column, table in (
                ("bank_id", "locker_bank"),
                ("location_id", "location"),
                ("return_id", "return"),
                ("retailer_id", "retailer"),
                ("hand_in_id", "hand_in"),
                ("parcel_id", "parcel"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locker_deposit")),
    )
    for column in ("bank_id", "return_id", "parcel_id"):
        op.create_index(op.f(f"ix_locker_deposit_{column}"), "locker_deposit", [column])
    for name, columns, where, unique in (
        ("uq_locker_deposit_return", ["return_id"], LIVE, True),
        ("uq_locker_deposit_compartment", ["bank_id", "compartment"], HELD, True),
        ("ix_locker_deposit_kept", ["state"], KEPT, False),
    ):
        op.create_index(name, "locker_deposit", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("locker_deposit")
    op.drop_table("locker_bank")
