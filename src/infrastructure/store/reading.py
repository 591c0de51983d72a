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
from infrastructure.store.filling import LargeValues, whole, whole_runs
from infrastructure.store.lines import FAR, SHARED_CHECKPOINT, Lines
from infrastructure.store.reader import DUE, LAPSED, MAY_GO, Reader
from infrastructure.store.rows import JOURNAL_COLUMNS, RUN_COLUMNS, Row, moment, recorded_of, run_of
from infrastructure.store.terms import LET_IN, SHUT

_READ = f"SELECT {JOURNAL_COLUMNS} FROM journal WHERE thread = $1 AND position > $2 AND tenant = $3 ORDER BY position LIMIT $4"
_READ_RUN = f"""SELECT {JOURNAL_COLUMNS} FROM journal WHERE thread = $1 AND position > $2 AND tenant = $3 AND run = $5
    ORDER BY position LIMIT $4"""
# A thread without a checkpoint of its own says in the same breath whether it has a parent to look at.
_CHECKPOINT = """SELECT c.position, c.body, t.parent FROM threads t
    LEFT JOIN checkpoints c ON c.thread = t.id AND c.tenant = t.tenant AND c.position <= $3
    WHERE t.id = $1 AND t.tenant = $2 ORDER BY c.position DESC LIMIT 1"""
_END = "SELECT position FROM heads WHERE thread = $1 AND tenant = $2"
_WAITING = "SELECT count(*) FROM inbox WHERE run = $1 AND kind = $2"
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
_ATTENTION = """SELECT count(*) FROM queue q JOIN runs r ON r.id = q.run
    WHERE q.worker IS NULL AND q.due_at > {now} AND r.status = 'parked' AND {text:r.outcome} LIKE $1"""
_OF_ATTENTION = '%"kind":"needs_attention"%'
_RUN = f"SELECT {RUN_COLUMNS} FROM runs WHERE id = $1 AND tenant = $2"
_UNFINISHED = f"""SELECT {", ".join("r." + name for name in RUN_COLUMNS.split(", "))} FROM queue q JOIN runs r ON r.id = q.run
    WHERE q.line = coalesce((SELECT line FROM threads WHERE id = $1), $1) AND q.thread = $1 AND q.tenant = $2 ORDER BY q.number"""
MARK = f"""SELECT m.digest, m.at, {", ".join("r." + name for name in RUN_COLUMNS.split(", "))}
    FROM idempotency m LEFT JOIN runs r ON r.id = m.run WHERE m.tenant = $1 AND m.key = $2"""
OF_A_MARK = 2
"""Columns of `MARK` before those of the run."""
_BODY = JOURNAL_COLUMNS.split(", ").index("body")


@dataclass(frozen=True, slots=True)
class JournalReads:
    reader: Reader
    lines: Lines

    async def read(
        self, tenant: TenantId, thread: ThreadId, after: Position, limit: int = 1000, run: RunId | None = None
    ) -> Sequence[Recorded]:
        if run is not None:
            return await self._recorded(tenant, await self.reader.rows(_READ_RUN, thread, after, tenant, limit, run))
        rows = await self._own(tenant, thread, after, limit)
        if rows and rows[0].position == after + 1:
            return rows
        earlier = await self._of_ancestors(tenant, thread, after, limit)
        return [*earlier, *rows][:limit] if earlier else rows

    async def _own(self, tenant: TenantId, thread: ThreadId, after: int, limit: int) -> list[Recorded]:
        return await self._recorded(tenant, await self.reader.rows(_READ, thread, after, tenant, limit))

    async def _recorded(self, tenant: TenantId, rows: Sequence[Row]) -> list[Recorded]:
        return [recorded_of(row) for row in await whole(LargeValues(self.reader), tenant, rows, _BODY)]

    async def _of_ancestors(self, tenant: TenantId, thread: ThreadId, after: int, limit: int) -> list[Recorded]:
        """The oldest ancestor's first; each has the rows between where it began and where the next one left it."""
        found: list[Recorded] = []
        for stretch in await self.lines.of(tenant, thread):
            if len(found) < limit and stretch.upto > after:
                rows = await self._own(tenant, stretch.thread, max(after, stretch.after), limit - len(found))
                found += [row for row in rows if row.position <= stretch.upto]
        return found

    async def newest_checkpoint(self, tenant: TenantId, thread: ThreadId, upto: Position | None = None) -> Checkpoint | None:
        rows = await self.reader.rows(_CHECKPOINT, thread, tenant, FAR if upto is None else upto)
        if not rows:
            return None
        (position, body, parent), *_ = await whole(LargeValues(self.reader), tenant, rows, 1)
        if position is not None:
            return Checkpoint(Position(position), body)
        return None if parent is None else await self._shared_checkpoint(tenant, thread, FAR if upto is None else upto)

    async def _shared_checkpoint(self, tenant: TenantId, thread: ThreadId, upto: int) -> Checkpoint | None:
        rows = await whole(LargeValues(self.reader), tenant, await self.reader.rows(SHARED_CHECKPOINT, thread, tenant, upto), 1)
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
        lag, parked = 0.0 if since is None else max(0.0, now - since), everything - waiting - claimed
        return QueueDepth(waiting, claimed, parked, lag, await self._attention() if parked else 0)

    async def _attention(self) -> int:
        return int((await self.reader.rows(self.reader.dialect.spell(_ATTENTION), _OF_ATTENTION))[0][0])


@dataclass(frozen=True, slots=True)
class InboxReads:
    reader: Reader

    async def waiting(self, threads: Collection[ThreadId]) -> Sequence[Wish]:
        if not threads:
            return ()
        rows = await self.reader.rows(self.reader.dialect.spell(_WISHES), self.reader.members(list(threads)))
        return [Wish(number, ThreadId(thread), RunId(run), kind, plain(body)) for number, thread, run, kind, body in rows]

    async def count(self, run: RunId, kind: str) -> int:
        return int((await self.reader.rows(_WAITING, run, kind))[0][0])


def no_run(run: RunId) -> RunNotFound:
    return RunNotFound(f"there is no run {run}")


@dataclass(frozen=True, slots=True)
class RunReads:
    reader: Reader

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        rows = await self._whole(await self.reader.rows(_RUN, run, tenant))
        if not rows:
            raise no_run(run)
        return run_of(rows[0])

    async def unfinished(self, tenant: TenantId, thread: ThreadId) -> Sequence[Run]:
        return [run_of(row) for row in await self._whole(await self.reader.rows(_UNFINISHED, thread, tenant))]

    async def _whole(self, rows: Sequence[Row], begin: int = 0) -> Sequence[Row]:
        return await whole_runs(LargeValues(self.reader), rows, begin)

    async def marked(self, tenant: TenantId, key: str) -> tuple[IdempotencyMark, Run | None] | None:
        """The mark with this key, and the run it started, if it started one."""
        rows = await self._whole(await self.reader.rows(MARK, tenant, key), OF_A_MARK)
        return marked_of(key, rows[0]) if rows else None


def marked_of(key: str, row: Row) -> tuple[IdempotencyMark, Run | None]:
    """What a row of `MARK` says."""
    digest, at, *run = row
    return IdempotencyMark(key, digest, moment(at)), None if run[0] is None else run_of(run)
