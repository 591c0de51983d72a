"""The one schema, for SQLite and PostgreSQL. Times are seconds since the epoch, JSON is UTF-8 bytes, amounts of money are text."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared byte by byte on every database: pages and versions have one order."""
Number = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Name, primary_key=key, nullable=null)


def _seconds(name: str, *, null: bool = False) -> Column[float]:
    return Column(name, Double, nullable=null)


def _json(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _number() -> Column[int]:
    """Grows with every row, and is never given twice."""
    return Column("number", Number, primary_key=True, autoincrement=True)


workflows = Table(
    "workflows",
    metadata,
    _text("tenant", key=True),
    _text("hash", key=True),
    _text("name"),
    _text("version"),
    _text("description"),
    _json("tags"),
    Column("published", Boolean, nullable=False),
    _seconds("created_at"),
    _seconds("updated_at"),
    _json("document"),
)
published_once = Index(
    "uq_workflows_published",
    workflows.c.tenant,
    workflows.c.name,
    workflows.c.version,
    unique=True,
    postgresql_where=text("published"),
    sqlite_where=text("published"),
)
templates = Table(
    "templates", metadata, _text("tenant", key=True), _text("name", key=True), _text("description"), _json("body"), _seconds("created_at")
)
threads = Table(
    "threads",
    metadata,
    _text("id", key=True),
    _text("tenant"),
    _seconds("created_at"),
    _text("thread_type"),
    _json("body"),
    Index(None, "tenant", "created_at", "id"),
)
heads = Table(
    "heads",
    metadata,
    _text("thread", key=True),
    _text("tenant"),
    _count("epoch"),
    _count("position"),
    _text("run", null=True),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 50},
)
"""`run`: the one that holds the thread, from its first claim to its last row. Only the key is indexed:
every update stays on its page."""
journal = Table(
    "journal",
    metadata,
    _text("thread", key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    _text("tenant"),
    _text("run"),
    _text("kind"),
    _seconds("at"),
    _json("body"),
    sqlite_with_rowid=False,
)
inbox = Table(
    "inbox",
    metadata,
    _number(),
    _text("tenant"),
    _text("thread"),
    _text("run"),
    _text("kind"),
    _json("body"),
    _text("key"),
    UniqueConstraint("run", "key"),
    Index(None, "thread", "number"),
    sqlite_autoincrement=True,
)
checkpoints = Table(
    "checkpoints",
    metadata,
    _text("thread", key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    _text("tenant"),
    _json("body"),
)
runs = Table(
    "runs",
    metadata,
    _text("id", key=True),
    _text("tenant"),
    _text("thread"),
    _text("workflow"),
    _text("workflow_hash"),
    _text("status"),
    _seconds("created_at"),
    _seconds("started_at", null=True),
    _seconds("ended_at", null=True),
    _json("asked"),
    _json("outcome"),
    Index(None, "tenant", "created_at", "id"),
    Index(None, "thread", "created_at", "id"),
    postgresql_with={"fillfactor": 70},
)
"""`asked` never changes (input, mode, limits, ...); `outcome` is what came of it."""
queue = Table(
    "queue",
    metadata,
    _number(),
    _text("run"),
    _text("tenant"),
    _text("thread"),
    _seconds("due_at"),
    _text("worker", null=True),
    _count("epoch"),
    _count("wishes"),
    UniqueConstraint("run"),
    Index(None, "due_at", "number"),
    Index(None, "thread", "number"),
    sqlite_autoincrement=True,
)
"""Unfinished runs. `due_at`: from when on a worker may take it; of a claimed one, when its
lease runs out. `wishes`: its rows in the inbox."""
usage = Table(
    "usage",
    metadata,
    _number(),
    _text("tenant"),
    _text("thread"),
    _text("run"),
    _text("workflow"),
    _text("activation"),
    _count("effect"),
    _count("attempt"),
    _count("epoch"),
    _text("model"),
    _count("prompt_tokens"),
    _count("completion_tokens"),
    _text("cost", null=True),
    _text("currency", null=True),
    Column("estimated", Boolean, nullable=False),
    UniqueConstraint("run", "activation", "effect", "attempt", "epoch"),
)
api_keys = Table(
    "api_keys",
    metadata,
    _text("id", key=True),
    _text("tenant"),
    _text("role"),
    _text("digest"),
    _text("name"),
    _seconds("created_at"),
    UniqueConstraint("digest"),
    Index(None, "tenant", "created_at", "id"),
)
idempotency = Table(
    "idempotency",
    metadata,
    _text("tenant", key=True),
    _text("key", key=True),
    _text("digest"),
    _text("run"),
    _seconds("at"),
    Index(None, "at"),
)
