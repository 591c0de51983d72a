"""The tables of budgets, of their accounts, and of the blocks that processes hold of those, for SQLite and PostgreSQL."""

from sqlalchemy import Boolean, Column, Table, UniqueConstraint

from infrastructure.store.columns import count_column, json_column, metadata, partial_index, seconds_column, text_column

budgets = Table(
    "budgets",
    metadata,
    text_column("id", key=True),
    text_column("tenant"),
    text_column("name"),
    seconds_column("created_at"),
    text_column("most"),
    text_column("unit"),
    count_column("revision"),
    json_column("body"),
    UniqueConstraint("tenant", "name"),
)
"""`most`: the limit."""
budget_accounts = Table(
    "budget_accounts",
    metadata,
    text_column("budget", key=True),
    text_column("subject", key=True),
    text_column("period", key=True),
    text_column("taken"),
    count_column("alerted"),
    Column("refused", Boolean, nullable=False),
    seconds_column("wanted_at"),
    seconds_column("waits_since", null=True),
    Column("awake", Boolean, nullable=False),
)
awake_accounts = partial_index(
    "ix_budget_accounts_awake",
    budget_accounts.c.budget,
    budget_accounts.c.subject,
    budget_accounts.c.period,
    where="awake",
)
"""Whoever changes an account locks its row first."""
budget_blocks = Table(
    "budget_blocks",
    metadata,
    text_column("id", key=True),
    text_column("budget"),
    text_column("subject"),
    text_column("period"),
    text_column("granted"),
    text_column("used"),
    text_column("reserved"),
    seconds_column("expires_at"),
    Column("closed", Boolean, nullable=False),
    postgresql_with={"fillfactor": 50},
)
open_blocks = partial_index(
    "ix_budget_blocks_open",
    budget_blocks.c.budget,
    budget_blocks.c.subject,
    budget_blocks.c.period,
    where="NOT closed",
)
closed_blocks = partial_index("ix_budget_blocks_closed", budget_blocks.c.expires_at, where="closed")
"""What a mark changes while a block is open is in no index, so it stays on its page."""
