"""History records, and the ledger and runs by time."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def name(column: str, null: bool = False) -> "sa.Column[str]":
    return sa.Column(column, NAME, nullable=null)


def upgrade() -> None:
    op.create_table(
        "history",
        name("tenant"),
        sa.Column("at", sa.Double, nullable=False),
        name("id"),
        name("type"),
        name("run", null=True),
        name("session", null=True),
        name("user_id", null=True),
        name("model"),
        name("words"),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "at", "id", name="pk_history"),
    )
    op.create_index("ix_history_tenant_type_at_id", "history", ["tenant", "type", "at", "id"])
    for column in ("run", "session"):
        _partial(f"ix_history_{column}", "history", ["tenant", column, "at", "id"], f"{column} IS NOT NULL")
    op.create_index("ix_history_model", "history", ["tenant", "model", "at", "id"])
    op.create_index("ix_history_at", "history", ["at"])
    op.create_index("ix_usage_model", "usage", ["tenant", "model", "at"])
    _partial("ix_usage_session", "usage", ["tenant", "session", "at"], "session <> ''")
    _partial("ix_runs_tenant_ended_at", "runs", ["tenant", "ended_at", "id"], "ended_at IS NOT NULL")


def _partial(index: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(index, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def downgrade() -> None:
    for index, table in (("ix_runs_tenant_ended_at", "runs"), ("ix_usage_session", "usage"), ("ix_usage_model", "usage")):
        op.drop_index(index, table)
    op.drop_table("history")
