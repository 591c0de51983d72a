"""The table of what was said to models and tools, for SQLite and PostgreSQL; and how the ledger and runs are found by time."""

from sqlalchemy import Index, Table

from infrastructure.store.columns import json_column, metadata, partial_index, seconds_column, text_column
from infrastructure.store.tables import runs
from infrastructure.store.usage_tables import usage

history = Table(
    "history",
    metadata,
    text_column("tenant", key=True),
    seconds_column("at", key=True),
    text_column("id", key=True),
    text_column("type"),
    text_column("run", null=True),
    text_column("session", null=True),
    text_column("user_id", null=True),
    text_column("model"),
    text_column("words"),
    json_column("data"),
    Index(None, "tenant", "type", "at", "id"),
    *(
        partial_index(
            f"ix_history_{name}",
            "tenant",
            name,
            "at",
            "id",
            where=f"{name} IS NOT NULL",
        )
        for name in ("run", "session")
    ),
    Index("ix_history_model", "tenant", "model", "at", "id"),
    Index("ix_history_at", "at"),
)
"""`words`: what is searched of what was said, in small letters. `at` alone is for what is old."""
lines_of_model = Index("ix_usage_model", usage.c.tenant, usage.c.model, usage.c.at)
lines_of_session = partial_index(
    "ix_usage_session",
    usage.c.tenant,
    usage.c.session,
    usage.c.at,
    where="session <> ''",
)
ended_by_time = partial_index(
    "ix_runs_tenant_ended_at",
    runs.c.tenant,
    runs.c.ended_at,
    runs.c.id,
    where="ended_at IS NOT NULL",
)
