"""The tables of published prompts and of who gets which version, for SQLite and PostgreSQL."""

from sqlalchemy import Table, UniqueConstraint

from infrastructure.store.columns import count_column, json_column, metadata, seconds_column, text_column

prompt_versions = Table(
    "prompt_versions",
    metadata,
    text_column("tenant", key=True),
    text_column("name", key=True),
    count_column("number", key=True),
    text_column("hash"),
    text_column("by"),
    seconds_column("created_at"),
    json_column("document"),
    UniqueConstraint("tenant", "name", "hash"),
)
prompt_rollouts = Table(
    "prompt_rollouts",
    metadata,
    text_column("tenant", key=True),
    text_column("name", key=True),
    json_column("shares"),
)
"""`shares`: version -> percent."""
