"""Prompts as versioned documents, and which version is rolled out to whom."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def name(column: str) -> "sa.Column[str]":
    return sa.Column(column, NAME, nullable=False)


def upgrade() -> None:
    op.create_table(
        "prompt_versions",
        name("tenant"),
        name("name"),
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        name("hash"),
        name("by"),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", "number", name="pk_prompt_versions"),
        sa.UniqueConstraint("tenant", "name", "hash", name="uq_prompt_versions_tenant_name_hash"),
    )
    op.create_table(
        "prompt_rollouts",
        name("tenant"),
        name("name"),
        sa.Column("shares", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_prompt_rollouts"),
    )


def downgrade() -> None:
    for table in ("prompt_rollouts", "prompt_versions"):
        op.drop_table(table)
