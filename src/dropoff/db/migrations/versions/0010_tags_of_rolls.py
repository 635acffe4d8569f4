"""Tags left at a place as its registered rolls have them

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from dropoff.db import schema

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NOW = {"sqlite": f"strftime('{schema.SQLITE_TIME}', 'now')", "postgresql": "statement_timestamp()"}
# From here on the stock is counted along with the rolls; what is there already is counted once.
LEFT = """
INSERT INTO location_load (location_id, waiting, waiting_at, tags, tags_at, touched_at)
SELECT location_id, 0, {now}, sum(last - first + 1 - used), {now}, {now} FROM tag_roll
  WHERE retired_at IS NULL GROUP BY location_id
ON CONFLICT (location_id) DO UPDATE
  SET tags = excluded.tags, tags_at = excluded.tags_at, touched_at = excluded.touched_at
"""


def upgrade() -> None:
    op.execute(sa.text(LEFT.format(now=NOW[op.get_bind().dialect.name])))


def downgrade() -> None:
    pass
