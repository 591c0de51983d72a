"""What a model call may use is in the ledger before the call is made."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("usage", sa.Column("state", NAME, nullable=False, server_default="counted"))


def downgrade() -> None:
    op.execute("DELETE FROM usage WHERE state IN ('reserved', 'void')")
    op.drop_column("usage", "state")
