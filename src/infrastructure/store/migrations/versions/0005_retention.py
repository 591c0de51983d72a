"""Finished runs by the time they ended, for those who sweep."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ENDED = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_runs_ended_at", "runs", ["ended_at"], postgresql_where=ENDED, sqlite_where=ENDED)


def downgrade() -> None:
    op.drop_index("ix_runs_ended_at", "runs")
