"""Starting runs on PostgreSQL: all starts that come while one commit is under way share the next."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import DatabaseError, InfrastructureError, WeftError
from domain.ids import RunId, TenantId
from domain.ports.repositories import NewRun, Started
from domain.run.run import Run
from infrastructure.store.bell import Bell
from infrastructure.store.marks import MARK_SECONDS
from infrastructure.store.postgres.committing import CommitLoop
from infrastructure.store.postgres.connections import LOST, POSTGRES, TRY_AGAIN, WriterConnection, no_answer, refusal
from infrastructure.store.postgres.marks import PostgresMarks
from infrastructure.store.reading import RunReads
from infrastructure.store.rows import RUN_COLUMNS, WORKFLOW_COLUMNS, Row, run_row, seconds, workflow_row
from infrastructure.store.starting import EMPTY_THREAD, no_thread, replayed

MOST_STARTS: Final = 500
_RUN_TYPES = ["text", "text", "text", "text", "text", "text", "float8", "float8", "float8", "bytea", "bytea"]
_WORKFLOW_TYPES = ["text", "text", "text", "text", "text", "float8", "float8", "bytea", "bytea"]
_TYPES = [*_RUN_TYPES, "bool", "text", "text", "float8"]
_WORKFLOW_NAMES = ", ".join("w_" + name for name in WORKFLOW_COLUMNS.split(", "))
_START = f"""WITH wanted AS (
    SELECT * FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate([*_TYPES, *_WORKFLOW_TYPES], 1))})
        WITH ORDINALITY AS w({RUN_COLUMNS}, opens, key, digest, marked_at, {_WORKFLOW_NAMES}, number)
), able AS (
    SELECT w.* FROM wanted w LEFT JOIN threads t ON t.id = w.thread AND t.id = ANY($3)
    WHERE CASE WHEN t.id IS NULL THEN w.opens ELSE t.tenant = w.tenant END
), marked AS (
    INSERT INTO idempotency AS m (tenant, key, digest, run, at)
    SELECT tenant, key, digest, id, marked_at FROM able WHERE key IS NOT NULL ORDER BY tenant, key
    ON CONFLICT (tenant, key) DO UPDATE SET digest = excluded.digest, run = excluded.run, at = excluded.at
        WHERE excluded.at - m.at >= {MARK_SECONDS}
    RETURNING run
), fresh AS (
    SELECT * FROM able WHERE key IS NULL OR id IN (SELECT run FROM marked)
), opened AS (
    INSERT INTO threads (id, tenant, created_at, thread_type, body)
    SELECT thread, tenant, created_at, 'main', ${len(_TYPES) + len(_WORKFLOW_TYPES) + 1}::bytea FROM fresh WHERE opens ORDER BY thread
    ON CONFLICT DO NOTHING
), headed AS (
    INSERT INTO heads (thread, tenant, epoch, position) SELECT thread, tenant, 0, 0 FROM fresh WHERE opens ORDER BY thread
    ON CONFLICT DO NOTHING
), embedded AS (
    INSERT INTO workflows ({WORKFLOW_COLUMNS}, published)
    SELECT {_WORKFLOW_NAMES}, FALSE FROM fresh WHERE w_hash IS NOT NULL ORDER BY w_tenant, w_hash
    ON CONFLICT DO NOTHING
), ran AS (
    INSERT INTO runs ({RUN_COLUMNS}) SELECT {RUN_COLUMNS} FROM fresh ON CONFLICT DO NOTHING RETURNING id
), queued AS (
    INSERT INTO queue (run, tenant, thread, due_at, epoch, wishes)
    SELECT id, tenant, thread, {POSTGRES.now}, 0, 0 FROM fresh WHERE id IN (SELECT id FROM ran) ORDER BY number
)
SELECT able.number, fresh.id IS NOT NULL FROM able LEFT JOIN fresh USING (number)"""


@dataclass(slots=True, eq=False)
class _Start:
    new: NewRun
    row: Row
    done: "asyncio.Future[bool]"
    """Does it stand? False: its mark was known. `ThreadNotFound`, `DatabaseError`."""
    doubtful: bool = False

    @classmethod
    def of(cls, new: NewRun) -> "_Start":
        mark = new.mark
        marked = (mark.key, mark.digest, seconds(mark.at)) if mark else (None, None, None)
        embedded = workflow_row(new.embedded) if new.embedded else [None] * len(_WORKFLOW_TYPES)
        return cls(new, (*run_row(new.run), new.opens_thread, *marked, *embedded), asyncio.get_running_loop().create_future())

    @property
    def mark(self) -> tuple[TenantId, str] | None:
        return (self.new.run.tenant, self.new.mark.key) if self.new.mark else None

    def stands(self, *, fresh: bool) -> None:
        if not self.done.done():
            self.done.set_result(fresh)

    def refuse(self, error: WeftError) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class PostgresStarts:
    def __init__(self, connection: WriterConnection, reads: RunReads, marks: PostgresMarks, bell: Bell) -> None:
        self._connection, self._reads, self._marks, self._bell = connection, reads, marks, bell
        self._waiting: deque[_Start] = deque()
        self._loop = CommitLoop(lambda: bool(self._waiting), self._write_next, "weft-start")

    async def start(self, new: NewRun) -> Started:
        if not self._loop.is_open:
            raise DatabaseError("the store was closed")
        if new.mark is not None:
            await self._marks.tidy(new.mark)
        start = _Start.of(new)
        self._waiting.append(start)
        self._loop.poke()
        if await start.done:
            return Started(new.run, fresh=True)
        return await self._replay(new)

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        return await self._reads.get(tenant, run)

    async def close(self) -> None:
        """Writes what has come so far; what comes later is refused."""
        await self._loop.close()
        await self._connection.close()

    async def _replay(self, new: NewRun) -> Started:
        """The mark was there: another start's, or ours from a try whose answer was lost."""
        known = await self._reads.marked(new.run.tenant, new.mark.key) if new.mark else None
        if known is None or new.mark is None:
            raise InfrastructureError(f"run {new.run.id} was neither started nor found: start it again")
        mark, run = known
        return Started(run, fresh=True) if run is not None and run.id == new.run.id else replayed(new.mark, mark, run)

    async def _write_next(self) -> None:
        await self._write(list(self._next_batch()))

    def _next_batch(self) -> Iterator[_Start]:
        """Of two with one mark the second waits for the next batch, and finds the first one's mark."""
        later: list[_Start] = []
        marks: set[tuple[TenantId, str]] = set()
        for _ in range(min(len(self._waiting), MOST_STARTS)):
            start = self._waiting.popleft()
            if start.mark is None:
                yield start
            elif start.mark in marks:
                later.append(start)
            else:
                marks.add(start.mark)
                yield start
        self._waiting.extendleft(reversed(later))

    async def _write(self, starts: Sequence[_Start]) -> None:
        columns = [list(column) for column in zip(*(start.row for start in starts), strict=True)]
        try:
            verdict: dict[int, bool] = {row[0]: row[1] for row in await self._connection.rows(_START, *columns, EMPTY_THREAD)}
        except LOST as error:
            self._send_again(starts, error)
        except TRY_AGAIN:
            self._waiting.extendleft(reversed(starts))
        except Exception as error:
            await self._write_apart(starts, error)
        else:
            for number, start in enumerate(starts, 1):
                if number in verdict:
                    start.stands(fresh=verdict[number])
                else:
                    start.refuse(no_thread(start.new.run.thread))
            self._bell.ring()

    def _send_again(self, starts: Sequence[_Start], lost: BaseException) -> None:
        """The answer was lost: once more, which changes nothing for a run that is there already, whatever became of it."""
        for start in reversed(starts):
            if start.doubtful:
                start.refuse(no_answer(lost))
            else:
                start.doubtful = True
                self._waiting.appendleft(start)

    async def _write_apart(self, starts: Sequence[_Start], error: Exception) -> None:
        """Whoever brought what the database does not take fails alone."""
        if len(starts) == 1:
            starts[0].refuse(refusal(error))
            return
        for start in starts:
            await self._write([start])
