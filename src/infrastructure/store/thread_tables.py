"""The tables of sessions, of what is kept of threads, and of what is remembered across them, for SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Column, Index, Table

from infrastructure.store.columns import count_column, json_column, metadata, partial_index, seconds_column, text_column

sessions = Table(
    "sessions",
    metadata,
    text_column("id", key=True),
    text_column("tenant"),
    text_column("user_id"),
    text_column("state"),
    seconds_column("created_at"),
    seconds_column("updated_at"),
    json_column("body"),
    Index(None, "tenant", "created_at", "id"),
    Index(None, "tenant", "user_id", "created_at", "id"),
)
_EXPIRES = "expires_at IS NOT NULL"
snapshots = Table(
    "snapshots",
    metadata,
    text_column("id", key=True),
    text_column("tenant"),
    text_column("thread"),
    Column("position", BigInteger, nullable=False),
    text_column("kind"),
    seconds_column("created_at"),
    seconds_column("expires_at", null=True),
    count_column("size_bytes"),
    text_column("tags"),
    json_column("about"),
    json_column("body"),
    Index(None, "thread", "created_at", "id"),
    partial_index("ix_snapshots_expires_at", "expires_at", where=_EXPIRES),
)
"""`body`: what the thread held at `position`. `about`: its name, description and tags, and who took it. `tags`: each in its own line, with
an end of line before the first and behind the last, for those who search."""
items = Table(
    "items",
    metadata,
    text_column("tenant", key=True),
    text_column("namespace", key=True),
    text_column("key", key=True),
    seconds_column("created_at"),
    seconds_column("updated_at"),
    seconds_column("expires_at", null=True),
    json_column("body"),
    text_column("words"),
    partial_index("ix_items_expires_at", "expires_at", where=_EXPIRES),
)
"""`namespace`: names joined by `/`. `words`: the text in the value, in lower case, for those who search."""
blobs = Table(
    "blobs",
    metadata,
    text_column("tenant", key=True),
    text_column("hash", key=True),
    count_column("size_bytes"),
    seconds_column("created_at"),
    json_column("body"),
)
"""Large values, stored once however many rows carry them. `hash`: lower-case hex SHA-256 of `body`, which is JSON."""
blob_uses = Table(
    "blob_uses",
    metadata,
    text_column("tenant", key=True),
    text_column("hash", key=True),
    text_column("thread", key=True),
    Index(None, "thread"),
)
"""Which threads carry a blob. One that no thread carries is swept."""
