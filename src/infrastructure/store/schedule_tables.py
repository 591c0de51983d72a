"""The tables of schedules, for SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table

from infrastructure.store.columns import count_column, json_column, metadata, partial_index, seconds_column, text_column

schedules = Table(
    "schedules",
    metadata,
    text_column("id", key=True),
    text_column("tenant"),
    seconds_column("created_at"),
    seconds_column("wake_at", null=True),
    seconds_column("due_at", null=True),
    count_column("revision"),
    json_column("body"),
    Index(None, "tenant", "created_at", "id"),
    partial_index("ix_schedules_wake_at", "wake_at", where="wake_at IS NOT NULL"),
    postgresql_with={"fillfactor": 70},
)
firings = Table(
    "firings",
    metadata,
    text_column("schedule", key=True),
    Column("due", BigInteger, primary_key=True, autoincrement=False),
    text_column("tenant"),
    text_column("run"),
    text_column("state"),
    Column("manual", Boolean, nullable=False),
    json_column("body"),
)
"""`due` in microseconds since the epoch. Not indexed by state: of one schedule few are looked at, the newest."""
