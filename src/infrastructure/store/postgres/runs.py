"""Starting runs on PostgreSQL: all starts that come while one commit is under way share the next."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import DatabaseError, InfrastructureError, WeftError
from domain.ids import RunId, TenantId, ThreadId
from domain.ports.hints import QUEUE, Hints
from domain.ports.repositories import NewRun, Started
from domain.run.run import Run
from domain.thread import Thread
from infrastructure.store.large import Values
from infrastructure.store.lines import BEGINS
from infrastructure.store.postgres.committing import CommitLoop
from infrastructure.store.postgres.connections import LOST, TRY_AGAIN, WriterConnection, no_answer, refusal
from infrastructure.store.postgres.marks import PostgresMarks
from infrastructure.store.postgres.standing import StandingRuns, is_taken
from infrastructure.store.postgres.starting import EMBEDDED_WIDTH, OPEN_THREAD, Verdict, start_statement
from infrastructure.store.postgres.values import large_values
from infrastructure.store.reading import RunReads
from infrastructure.store.rows import Row, run_row, seconds, workflow_row
from infrastructure.store.starting import EMPTY_THREAD, busy_with, no_ground, no_thread, replayed
from infrastructure.store.terms import start_row
from infrastructure.store.thread_rows import thread_row

MOST_STARTS: Final = 500


@dataclass(slots=True, eq=False)
class _Start:
    new: NewRun
    row: Row
    values: Values
    """What its input has of large ones."""
    done: "asyncio.Future[Verdict]"
    """`ThreadNotFound`, `DatabaseError`."""
    doubtful: bool = False

    @classmethod
    def of(cls, new: NewRun) -> "_Start":
        mark = new.mark
        marked = (mark.key, mark.digest, seconds(mark.at)) if mark else (None, None, None)
        embedded = workflow_row(new.embedded) if new.embedded else [None] * EMBEDDED_WIDTH
        values: Values = {}
        row = (*run_row(new.run, values), new.opens_thread, *marked, *embedded, new.terms.head_start, new.line)
        return cls(new, row, values, asyncio.get_running_loop().create_future())

    def on_terms(self) -> Row:
        return (*self.row, *start_row(self.new.terms, self.new.run.thread))

    def keys(self) -> set[tuple[TenantId, str, str]]:
        """What no two starts of one statement may have alike."""
        new, tenant = self.new, self.new.run.tenant
        mark = new.mark.key if new.mark else None
        sole = new.run.thread if new.terms.rejects_busy else None
        named = (("mark", mark), ("singleton", new.terms.singleton), ("debounce", new.terms.debounce), ("sole", sole))
        return {(tenant, name, key) for name, key in named if key is not None}

    def settle(self, verdict: Verdict) -> None:
        if not self.done.done():
            self.done.set_result(verdict)

    def refuse(self, error: WeftError) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class PostgresStarts:
    def __init__(self, connection: WriterConnection, reads: RunReads, marks: PostgresMarks, standing: StandingRuns, hints: Hints) -> None:
        self._connection, self._reads, self._marks, self._standing, self._hints = connection, reads, marks, standing, hints
        self._waiting: deque[_Start] = deque()
        self._loop = CommitLoop(lambda: bool(self._waiting), self._write_next, "weft-start")

    async def start(self, new: NewRun) -> Started:
        if not self._loop.is_open:
            raise DatabaseError("the store was closed")
        if new.mark is not None:
            await self._marks.tidy(new.mark)
        if new.terms.gates:
            await self._standing.tidy()
        while True:
            if new.terms.is_sole and (run := await self._standing.find(new)) is not None:
                self._hints.ring(QUEUE)
                return await self._answer(new, run)
            if (busy := await self._standing.in_the_way(new)) is not None:
                return await self._refuse(new, busy)
            start = _Start.of(new)
            self._waiting.append(start)
            self._loop.poke()
            match await start.done:
                case Verdict.FRESH:
                    return Started(new.run, fresh=True)
                case Verdict.KNOWN:
                    return await self._replay(new)
                case Verdict.TAKEN:  # somebody was quicker with the key: that run is the answer, unless it is over by now
                    continue

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        return await self._reads.get(tenant, run)

    async def open_thread(self, thread: Thread) -> None:
        rows = await self._reads.reader.rows(OPEN_THREAD, *thread_row(thread).values(), thread.parent_position)
        is_able, is_kept = rows[0]
        if not is_able:
            raise no_thread(thread.parent or thread.id)
        if not is_kept:
            raise no_ground(thread, (await self._reads.reader.rows(BEGINS, thread.parent, thread.tenant, thread.parent_position))[0][0])

    async def unfinished(self, tenant: TenantId, thread: ThreadId) -> Sequence[Run]:
        return await self._reads.unfinished(tenant, thread)

    async def close(self) -> None:
        """Writes what has come so far; what comes later is refused."""
        await self._loop.close()
        await self._connection.close()

    async def _answer(self, new: NewRun, run: Run) -> Started:
        """With a run that is there already, and always the same one for the same mark."""
        if new.mark is None:
            return Started(run, fresh=False)
        first = await self._marks.take(run.tenant, new.mark, run.id)
        return Started(run if first == run.id else await self._reads.get(run.tenant, RunId(first)), fresh=False)

    async def _refuse(self, new: NewRun, busy: str) -> Started:
        """The thread is busy. With what this very start made, it is the answer to it."""
        if new.mark is None or await self._marks.known(new.run.tenant, new.mark) is None:
            raise busy_with(busy, new.run.thread)
        return await self._replay(new)

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
        """Of two with one mark, or one key of their terms, the second waits for the next batch, and finds the first one's."""
        later: list[_Start] = []
        seen: set[tuple[TenantId, str, str]] = set()
        for _ in range(min(len(self._waiting), MOST_STARTS)):
            start = self._waiting.popleft()
            keys = start.keys()
            if keys & seen:
                later.append(start)
            else:
                seen |= keys
                yield start
        self._waiting.extendleft(reversed(later))

    async def _write(self, starts: Sequence[_Start]) -> None:
        has_terms = not all(start.new.terms.is_plain and start.new.sequence is None for start in starts)
        rows = [start.on_terms() if has_terms else start.row for start in starts]
        columns = [list(column) for column in zip(*rows, strict=True)]
        has_values = any(start.values for start in starts)
        if has_values:
            columns += large_values((number, start.values) for number, start in enumerate(starts, 1))
        try:
            found = await self._connection.rows(start_statement(has_terms, has_values), EMPTY_THREAD, *columns)
        except LOST as error:
            self._send_again(starts, error)
        except TRY_AGAIN:
            self._waiting.extendleft(reversed(starts))
        except Exception as error:
            await self._write_apart(starts, error)
        else:
            verdicts = {row[0]: row[1] for row in found}
            for number, start in enumerate(starts, 1):
                if number in verdicts:
                    start.settle(Verdict(verdicts[number]))
                else:
                    start.refuse(no_thread(start.new.run.thread))
            self._hints.ring(QUEUE)

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
        if len(starts) == 1 and is_taken(error):
            starts[0].settle(Verdict.TAKEN)
            return
        if len(starts) == 1:
            starts[0].refuse(refusal(error))
            return
        for start in starts:
            await self._write([start])
