"""Where a retailer's customers begin a return

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("retailer", sa.Column("portal_url", sa.String(length=300), nullable=True))


def downgrade() -> None:
    op.drop_column("retailer", "portal_url")
