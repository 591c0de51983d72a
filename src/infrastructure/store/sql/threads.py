"""Lists of threads, and what they are doing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, column, literal_column, select, text

from domain.ids import TenantId, ThreadId
from domain.ports.repositories import ALL_THREADS, Page, ThreadFilter
from domain.run.run import RunStatus
from domain.thread import Thread, ThreadState
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import newest_first, page
from infrastructure.store.tables import threads
from infrastructure.store.thread_rows import THREAD_COLUMNS, thread_of

_COLUMNS = [threads.c[name] for name in THREAD_COLUMNS.split(", ")]
DEEPEST: Final = 1_000
# Of the run that counts: the first unfinished one, else the newest.
_STATUS: ColumnElement[str | None] = literal_column(
    """coalesce(
    (SELECT r.status FROM queue q JOIN runs r ON r.id = q.run
        WHERE q.line = coalesce(threads.line, threads.id) AND q.thread = threads.id ORDER BY q.number LIMIT 1),
    (SELECT r.status FROM runs r WHERE r.thread = threads.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1))""",
    Text,
)
# Breadth first, and no further than asked.
_BELOW = text("""WITH RECURSIVE below(id, depth) AS (
    SELECT id, 0 FROM threads WHERE id = :thread AND tenant = :tenant
    UNION ALL SELECT t.id, b.depth + 1 FROM below b JOIN threads t ON t.parent = b.id WHERE b.depth < :deepest
) SELECT id, depth FROM below LIMIT :most""").columns(column("id", Text), column("depth", BigInteger))


@dataclass(frozen=True, slots=True)
class KeptThreads:
    database: Database

    async def list(self, tenant: TenantId, limit: int, cursor: str | None, wanted: ThreadFilter = ALL_THREADS) -> Page[Thread]:
        query = select(*_COLUMNS).where(threads.c.tenant == tenant, *_conditions(wanted))
        rows = await self.database.rows(newest_first(query, threads.c.created_at, threads.c.id, limit, cursor))
        return page(rows, limit, thread_of, lambda row: (repr(row[2]), row[0]))

    async def states(self, tenant: TenantId, threads_: Collection[ThreadId]) -> Mapping[ThreadId, ThreadState]:
        query = select(threads.c.id, _STATUS).where(threads.c.tenant == tenant, threads.c.id.in_(list(threads_)))
        rows = await self.database.rows(query) if threads_ else ()
        return {ThreadId(thread): ThreadState.of(None if status is None else RunStatus(status)) for thread, status in rows}

    async def below(self, tenant: TenantId, thread: ThreadId, limit: int) -> Sequence[Thread]:
        found = _BELOW.bindparams(thread=thread, tenant=tenant, deepest=DEEPEST, most=limit).subquery()
        query = select(*_COLUMNS).join(found, found.c.id == threads.c.id).order_by(found.c.depth, threads.c.created_at, threads.c.id)
        return [thread_of(row) for row in await self.database.rows(query)]


def _conditions(wanted: ThreadFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.parent is not None:
        yield threads.c.parent == wanted.parent
    if wanted.session is not None:
        yield threads.c.session == wanted.session
    if wanted.thread_type is not None:
        yield threads.c.thread_type == wanted.thread_type.value
    if wanted.state is ThreadState.PENDING:
        yield _STATUS.is_(None) | (bindparam("status", RunStatus.QUEUED.value) == _STATUS)
    elif wanted.state is not None:
        yield _STATUS.in_(bindparam("status", [status.value for status in wanted.state.statuses], expanding=True))
