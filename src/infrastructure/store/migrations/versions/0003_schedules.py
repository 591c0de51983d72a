"""Schedules and what they started."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WAKES = sa.text("wake_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", NAME, nullable=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("wake_at", sa.Double),
        sa.Column("due_at", sa.Double),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_schedules_tenant_created_at_id", "schedules", ["tenant", "created_at", "id"])
    op.create_index("ix_schedules_wake_at", "schedules", ["wake_at"], postgresql_where=WAKES, sqlite_where=WAKES)
    op.create_table(
        "firings",
        sa.Column("schedule", NAME, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("manual", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("schedule", "due", name="pk_firings"),
    )


def downgrade() -> None:
    op.drop_table("firings")
    op.drop_table("schedules")
