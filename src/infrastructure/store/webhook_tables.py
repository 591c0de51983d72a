"""The tables of webhooks and of what is owed to them, for SQLite and PostgreSQL."""

from sqlalchemy import Boolean, Column, Index, Table

from infrastructure.store.columns import count_column, json_column, metadata, partial_index, seconds_column, text_column

webhooks = Table(
    "webhooks",
    metadata,
    text_column("id", key=True),
    text_column("tenant"),
    seconds_column("created_at"),
    Column("enabled", Boolean, nullable=False),
    count_column("mask"),
    text_column("workflow", null=True),
    count_column("revision"),
    json_column("body"),
    Index(None, "tenant", "created_at", "id"),
)
"""`mask` holds the bits of the news that it wants to hear."""
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    text_column("webhook", key=True),
    text_column("id", key=True),
    text_column("tenant"),
    text_column("run"),
    text_column("news"),
    text_column("state"),
    seconds_column("created_at"),
    seconds_column("due_at", null=True),
    count_column("tries"),
    count_column("revision"),
    json_column("attempts"),
    json_column("body"),
    Index(None, "webhook", "created_at", "id"),
    Index(None, "created_at"),
    partial_index(
        "ix_webhook_deliveries_due",
        "webhook",
        "due_at",
        where="due_at IS NOT NULL",
    ),
    postgresql_with={"fillfactor": 70},
)
