"""What both databases read in the same words: journals, queue figures, wishes and single runs."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import inf

from domain.errors import RunNotFound
from domain.ids import Position, RunId, TenantId, ThreadId
from domain.ports.inbox import Wish
from domain.ports.journal import Checkpoint, Recorded
from domain.ports.queue import QueueDepth
from domain.ports.repositories import IdempotencyMark
from domain.run.events import Event
from domain.run.run import Run
from infrastructure.store.codec import decode, plain
from infrastructure.store.reader import DUE, LAPSED, MAY_GO, Reader
from infrastructure.store.rows import JOURNAL_COLUMNS, RUN_COLUMNS, Row, moment, recorded_of, run_of
from infrastructure.store.terms import LET_IN, SHUT

_READ = f"SELECT {JOURNAL_COLUMNS} FROM journal WHERE thread = $1 AND position > $2 AND tenant = $3 ORDER BY position LIMIT $4"
_READ_RUN = f"""SELECT {JOURNAL_COLUMNS} FROM journal WHERE thread = $1 AND position > $2 AND tenant = $3 AND run = $5
    ORDER BY position LIMIT $4"""
_CHECKPOINT = "SELECT position, body FROM checkpoints WHERE thread = $1 AND tenant = $2 ORDER BY position DESC LIMIT 1"
_END = "SELECT position FROM heads WHERE thread = $1 AND tenant = $2"
_WISHES = "SELECT number, thread, run, kind, body FROM inbox WHERE thread IN {members:$1} ORDER BY number"
# A rate's next window is when those it keeps waiting may go; a slot is freed by an append, and that wakes.
_NEXT_DUE = f"""WITH shut AS ({SHUT}) SELECT min(at) FROM (
    SELECT min(until) AS at FROM queue WHERE worker IS NOT NULL
    UNION ALL SELECT min(ends) FROM gates WHERE ends > {{now}} AND used >= most
    UNION ALL SELECT due_at FROM (SELECT q.due_at FROM queue q JOIN heads h ON h.thread = q.thread
        WHERE q.worker IS NULL AND {MAY_GO} AND {LET_IN} ORDER BY q.due_at LIMIT 1) first
) times"""
_DEPTH = f"""SELECT count(*) FILTER (WHERE due), count(*) FILTER (WHERE held AND NOT due), count(*), min(at) FILTER (WHERE due), {{now}}
    FROM (
        SELECT CASE WHEN q.worker IS NULL THEN q.due_at ELSE q.until END AS at,
            ({DUE}) OR ({LAPSED}) AS due, q.worker IS NOT NULL AS held FROM queue q JOIN heads h ON h.thread = q.thread
    ) places"""
_RUN = f"SELECT {RUN_COLUMNS} FROM runs WHERE id = $1 AND tenant = $2"
MARK = f"""SELECT m.digest, m.at, {", ".join("r." + name for name in RUN_COLUMNS.split(", "))}
    FROM idempotency m LEFT JOIN runs r ON r.id = m.run WHERE m.tenant = $1 AND m.key = $2"""


@dataclass(frozen=True, slots=True)
class JournalReads:
    reader: Reader

    async def read(
        self, tenant: TenantId, thread: ThreadId, after: Position, limit: int = 1000, run: RunId | None = None
    ) -> Sequence[Recorded]:
        if run is None:
            rows = await self.reader.rows(_READ, thread, after, tenant, limit)
        else:
            rows = await self.reader.rows(_READ_RUN, thread, after, tenant, limit, run)
        return [recorded_of(row) for row in rows]

    async def newest_checkpoint(self, tenant: TenantId, thread: ThreadId) -> Checkpoint | None:
        rows = await self.reader.rows(_CHECKPOINT, thread, tenant)
        return Checkpoint(Position(rows[0][0]), rows[0][1]) if rows else None

    async def end(self, tenant: TenantId, thread: ThreadId) -> Position:
        rows = await self.reader.rows(_END, thread, tenant)
        return Position(rows[0][0] if rows else 0)

    def decode(self, row: Recorded) -> Event:
        return decode(row.kind, row.body)


@dataclass(frozen=True, slots=True)
class QueueReads:
    reader: Reader

    async def next_due(self) -> float | None:
        at = (await self.reader.rows(self.reader.dialect.spell(_NEXT_DUE)))[0][0]
        return None if at is None or at == inf else float(at)

    async def depth(self) -> QueueDepth:
        waiting, claimed, everything, since, now = (await self.reader.rows(self.reader.dialect.spell(_DEPTH)))[0]
        lag = 0.0 if since is None else max(0.0, now - since)
        return QueueDepth(waiting, claimed, everything - waiting - claimed, lag)


@dataclass(frozen=True, slots=True)
class InboxReads:
    reader: Reader

    async def waiting(self, threads: Collection[ThreadId]) -> Sequence[Wish]:
        if not threads:
            return ()
        rows = await self.reader.rows(self.reader.dialect.spell(_WISHES), self.reader.members(list(threads)))
        return [Wish(number, ThreadId(thread), RunId(run), kind, plain(body)) for number, thread, run, kind, body in rows]


def no_run(run: RunId) -> RunNotFound:
    return RunNotFound(f"there is no run {run}")


@dataclass(frozen=True, slots=True)
class RunReads:
    reader: Reader

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        rows = await self.reader.rows(_RUN, run, tenant)
        if not rows:
            raise no_run(run)
        return run_of(rows[0])

    async def marked(self, tenant: TenantId, key: str) -> tuple[IdempotencyMark, Run | None] | None:
        """The mark with this key, and the run it started, if it started one."""
        rows = await self.reader.rows(MARK, tenant, key)
        return marked_of(key, rows[0]) if rows else None


def marked_of(key: str, row: Row) -> tuple[IdempotencyMark, Run | None]:
    """What a row of `MARK` says."""
    digest, at, *run = row
    return IdempotencyMark(key, digest, moment(at)), None if run[0] is None else run_of(run)
