"""Drivers who did not come, and shoppers who need help

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('missing', 'unexpected', 'double_hand_in', 'booking_unknown', 'handover_unscanned', 'seal_broken',"
    " 'lost', 'driver_missed', 'help')"
)
MISSED = sa.text("missed_at IS NOT NULL AND status = 'booked'")


def upgrade() -> None:
    with op.batch_alter_table("case", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_case_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_case_kind"), KINDS)
    op.drop_index(op.f("ix_hand_in_location_id"), table_name="hand_in")
    op.create_index("ix_hand_in_place", "hand_in", ["location_id", "received_at"])
    op.add_column("shipment", sa.Column("missed_at", schema.Timestamp(), nullable=True))
    op.create_index("ix_shipment_missed", "shipment", ["missed_at"], sqlite_where=MISSED, postgresql_where=MISSED)
