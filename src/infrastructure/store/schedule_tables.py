"""The tables of schedules, for SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, text

from infrastructure.store.columns import count_column, json_column, metadata, seconds_column, text_column

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
    Index("ix_schedules_wake_at", "wake_at", postgresql_where=text("wake_at IS NOT NULL"), sqlite_where=text("wake_at IS NOT NULL")),
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
