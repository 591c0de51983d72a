"""Budgets, and the blocks of them that workers hold."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OPEN, CLOSED, AWAKE = sa.text("NOT closed"), sa.text("closed"), sa.text("awake")


def name(column: str) -> "sa.Column[str]":
    return sa.Column(column, NAME, nullable=False)


def seconds(column: str, *, null: bool = False) -> "sa.Column[float]":
    return sa.Column(column, sa.Double, nullable=null)


def flag(column: str) -> "sa.Column[bool]":
    return sa.Column(column, sa.Boolean, nullable=False)


def count(column: str) -> "sa.Column[int]":
    return sa.Column(column, sa.BigInteger, nullable=False)


def upgrade() -> None:
    op.create_table(
        "budgets",
        name("id"),
        name("tenant"),
        name("name"),
        seconds("created_at"),
        name("most"),
        name("unit"),
        count("revision"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
        sa.UniqueConstraint("tenant", "name", name="uq_budgets_tenant_name"),
    )
    _accounts()
    _blocks()


def _accounts() -> None:
    account = ["budget", "subject", "period"]
    op.create_table(
        "budget_accounts",
        *map(name, account),
        name("taken"),
        count("alerted"),
        flag("refused"),
        seconds("wanted_at"),
        seconds("waits_since", null=True),
        flag("awake"),
        sa.PrimaryKeyConstraint(*account, name="pk_budget_accounts"),
    )
    op.create_index("ix_budget_accounts_awake", "budget_accounts", account, postgresql_where=AWAKE, sqlite_where=AWAKE)


def _blocks() -> None:
    account = ["budget", "subject", "period"]
    op.create_table(
        "budget_blocks",
        name("id"),
        *map(name, account),
        name("granted"),
        name("used"),
        name("reserved"),
        seconds("expires_at"),
        flag("closed"),
        sa.PrimaryKeyConstraint("id", name="pk_budget_blocks"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("ix_budget_blocks_open", "budget_blocks", account, postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index("ix_budget_blocks_closed", "budget_blocks", ["expires_at"], postgresql_where=CLOSED, sqlite_where=CLOSED)


def downgrade() -> None:
    for table in ("budget_blocks", "budget_accounts", "budgets"):
        op.drop_table(table)
