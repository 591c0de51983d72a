"""Tools that are data, approved descriptions of tools, and the audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def name(column: str) -> "sa.Column[str]":
    return sa.Column(column, NAME, nullable=False)


def seconds(column: str) -> "sa.Column[float]":
    return sa.Column(column, sa.Double, nullable=False)


def upgrade() -> None:
    op.create_table(
        "registered_tools",
        name("tenant"),
        name("name"),
        seconds("created_at"),
        seconds("updated_at"),
        name("by"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_registered_tools"),
    )
    op.create_table(
        "tool_pins",
        name("server"),
        name("tool"),
        name("digest"),
        name("by"),
        seconds("at"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("server", "tool", name="pk_tool_pins"),
    )
    op.create_table(
        "audit_heads",
        name("tenant"),
        sa.Column("number", sa.BigInteger, nullable=False),
        name("digest"),
        sa.PrimaryKeyConstraint("tenant", name="pk_audit_heads"),
    )
    op.create_table(
        "audit",
        name("tenant"),
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        seconds("at"),
        name("who"),
        name("action"),
        name("resource"),
        name("effect"),
        sa.Column("deed", sa.LargeBinary, nullable=False),
        name("digest"),
        sa.PrimaryKeyConstraint("tenant", "number", name="pk_audit"),
    )


def downgrade() -> None:
    for table in ("audit", "audit_heads", "tool_pins", "registered_tools"):
        op.drop_table(table)
