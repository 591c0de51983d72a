"""The tables of workflows, threads and runs, for SQLite and PostgreSQL."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Table, UniqueConstraint

from infrastructure.store.columns import (
    Name,
    count_column,
    json_column,
    metadata,
    number_column,
    partial_index,
    seconds_column,
    text_column,
)

workflows = Table(
    "workflows",
    metadata,
    text_column("tenant", key=True),
    text_column("hash", key=True),
    text_column("name"),
    text_column("version"),
    text_column("description"),
    json_column("tags"),
    Column("published", Boolean, nullable=False),
    seconds_column("created_at"),
    seconds_column("updated_at"),
    json_column("document"),
)
published_once = partial_index(
    "uq_workflows_published",
    workflows.c.tenant,
    workflows.c.name,
    workflows.c.version,
    unique=True,
    where="published",
)
templates = Table(
    "templates",
    metadata,
    text_column("tenant", key=True),
    text_column("name", key=True),
    text_column("description"),
    json_column("body"),
    seconds_column("created_at"),
)
threads = Table(
    "threads",
    metadata,
    text_column("id", key=True),
    text_column("tenant"),
    seconds_column("created_at"),
    text_column("thread_type"),
    json_column("body"),
    text_column("session", null=True),
    text_column("parent", null=True),
    Column("parent_position", BigInteger, nullable=True),
    text_column("line", null=True),
    Index(None, "tenant", "created_at", "id"),
    partial_index(
        "ix_threads_parent",
        "parent",
        "created_at",
        "id",
        where="parent IS NOT NULL",
    ),
    partial_index(
        "ix_threads_session",
        "session",
        "created_at",
        "id",
        where="session IS NOT NULL",
    ),
)
"""`parent_position`: of a branch, how much of its parent's past is its own: its first row has the next number.
`line`: whose runs take turns with this thread's; empty: nobody's but its own."""
heads = Table(
    "heads",
    metadata,
    text_column("thread", key=True),
    text_column("tenant"),
    count_column("epoch"),
    count_column("position"),
    text_column("run", null=True),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 50},
)
"""`run`: the one that holds the thread, from its first claim to its last row. Only the key is indexed:
every update stays on its page."""
journal = Table(
    "journal",
    metadata,
    text_column("thread", key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    text_column("tenant"),
    text_column("run"),
    text_column("kind"),
    seconds_column("at"),
    json_column("body"),
    sqlite_with_rowid=False,
)
inbox = Table(
    "inbox",
    metadata,
    number_column(),
    text_column("tenant"),
    text_column("thread"),
    text_column("run"),
    text_column("kind"),
    json_column("body"),
    text_column("key"),
    UniqueConstraint("run", "key"),
    Index(None, "thread", "number"),
    sqlite_autoincrement=True,
)
checkpoints = Table(
    "checkpoints",
    metadata,
    text_column("thread", key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    text_column("tenant"),
    json_column("body"),
)
runs = Table(
    "runs",
    metadata,
    text_column("id", key=True),
    text_column("tenant"),
    text_column("thread"),
    text_column("workflow"),
    text_column("workflow_hash"),
    text_column("status"),
    seconds_column("created_at"),
    seconds_column("started_at", null=True),
    seconds_column("ended_at", null=True),
    json_column("asked"),
    json_column("outcome"),
    Index(None, "tenant", "created_at", "id"),
    Index(None, "thread", "created_at", "id"),
    partial_index("ix_runs_ended_at", "ended_at", where="ended_at IS NOT NULL"),
    postgresql_with={"fillfactor": 70},
)
"""`asked` never changes (input, mode, limits, ...); `outcome` is what came of it."""
queue = Table(
    "queue",
    metadata,
    number_column(),
    text_column("run"),
    text_column("tenant"),
    text_column("thread"),
    seconds_column("due_at"),
    text_column("worker", null=True),
    count_column("epoch"),
    count_column("wishes"),
    seconds_column("until", null=True),
    Column("head_start", Double, nullable=False, server_default="0"),
    text_column("slot", null=True),
    text_column("rate", null=True),
    text_column("singleton", null=True),
    text_column("debounce", null=True),
    Column("line", Name, nullable=False, server_default=""),
    text_column("sole", null=True),
    Column("deliveries", BigInteger, nullable=False, server_default="0"),
    Column("claimed_position", BigInteger, nullable=False, server_default="-1"),
    UniqueConstraint("run"),
    Index(None, "line", "number"),
    sqlite_autoincrement=True,
    postgresql_with={"fillfactor": 70},
)
"""Unfinished runs. `due_at`: from when on a worker may take it; `head_start`: seconds that its priority is worth; `until`: when the
lease of the worker that holds it runs out. `wishes`: its rows in the inbox. `slot` and `rate` are keys of `gates`; `rate` is empty once
it has begun, and `debounce` too. `line`: runs with the same one take turns: their thread, or all threads in sequence with it. `sole`: the
thread, of a run that was only to start where none was unfinished. `deliveries`: claims without a row since, the
last one of those that are allowed counted only when it was begun; `claimed_position`: where its journal ended at the last one.

What a heartbeat changes is in no index, so it stays on its page."""
_FREE, _HELD = "worker IS NULL", "worker IS NOT NULL"
free_by_time = partial_index("ix_queue_due_at_number", queue.c.due_at, queue.c.number, where=_FREE)
free_by_turn = partial_index("ix_queue_turn", queue.c.tenant, queue.c.due_at - queue.c.head_start, queue.c.number, where=_FREE)
held_by_slot = partial_index("ix_queue_held", queue.c.tenant, queue.c.slot, where=_HELD)
one_singleton, one_debounced = (
    partial_index(
        f"uq_queue_{name}",
        queue.c.tenant,
        queue.c[name],
        unique=True,
        where=queue.c[name].is_not(None),
    )
    for name in ("singleton", "debounce")
)
one_sole = partial_index("uq_queue_sole", queue.c.sole, unique=True, where=queue.c.sole.is_not(None))
gates = Table(
    "gates",
    metadata,
    text_column("tenant", key=True),
    text_column("key", key=True),
    count_column("most"),
    seconds_column("seconds", null=True),
    seconds_column("ends"),
    count_column("used"),
    count_column("stamp"),
    seconds_column("seen_at"),
    Index(None, "ends"),
    Index(None, "seen_at"),
    postgresql_with={"fillfactor": 70},
)
"""How many runs of a key may be held at a time (`seconds` is empty; how many are is counted in the queue) or begin in a window, which
ends at `ends` and has let in `used`. `stamp` grows with every claim that goes through; `seen_at`: the newest start with this key."""
api_keys = Table(
    "api_keys",
    metadata,
    text_column("id", key=True),
    text_column("tenant"),
    text_column("role"),
    text_column("digest"),
    text_column("name"),
    seconds_column("created_at"),
    UniqueConstraint("digest"),
    Index(None, "tenant", "created_at", "id"),
)
idempotency = Table(
    "idempotency",
    metadata,
    text_column("tenant", key=True),
    text_column("key", key=True),
    text_column("digest"),
    text_column("run"),
    seconds_column("at"),
    Index(None, "at"),
)
