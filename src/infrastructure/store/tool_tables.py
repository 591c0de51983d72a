"""The tables of registered tools, of approved descriptions and of the audit trail, for SQLite and PostgreSQL."""

from sqlalchemy import Table

from infrastructure.store.columns import count_column, json_column, metadata, seconds_column, text_column

registered_tools = Table(
    "registered_tools",
    metadata,
    text_column("tenant", key=True),
    text_column("name", key=True),
    seconds_column("created_at"),
    seconds_column("updated_at"),
    text_column("by"),
    json_column("document"),
)
tool_pins = Table(
    "tool_pins",
    metadata,
    text_column("server", key=True),
    text_column("tool", key=True),
    text_column("digest"),
    text_column("by"),
    seconds_column("at"),
    json_column("document"),
)
audit_heads = Table(
    "audit_heads",
    metadata,
    text_column("tenant", key=True),
    count_column("number"),
    text_column("digest"),
)
"""The last record of each tenant: whoever appends updates it in the same transaction, and so one at a time."""
audit = Table(
    "audit",
    metadata,
    text_column("tenant", key=True),
    count_column("number", key=True),
    seconds_column("at"),
    text_column("who"),
    text_column("action"),
    text_column("resource"),
    text_column("effect"),
    json_column("deed"),
    text_column("digest"),
)
"""`deed`: canonical JSON of what was done; the columns before it repeat what is searched for."""
