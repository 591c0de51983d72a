"""The one thread of a process that writes to its SQLite file.

It takes all that has gathered while the last commit was under way into one transaction, and tells the event loop once per commit.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

from domain.errors import DatabaseError, WeftError
from domain.ports.clock import Clock
from domain.ports.journal import Append, Recorded
from infrastructure.store.batch import Group, Unit, Waiting, tell_committed
from infrastructure.store.sqlite.appends import write_appends
from infrastructure.store.sqlite.connections import connect, trouble

S = TypeVar("S")
T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""Runs on the writer's thread inside its transaction. It refuses by raising a `WeftError` before it has written anything."""
WorkOnAll = Callable[[sqlite3.Connection, Sequence[S]], Sequence[T | WeftError]]
"""The same for several orders of one kind; an answer for each."""
OnCommitted = Callable[[int, float], None]


@dataclass(slots=True, eq=False)
class Job:
    """Jobs with the same work that stand side by side are done in one go."""

    work: WorkOnAll[object, object]
    order: object
    done: "asyncio.Future[object]"


@dataclass(slots=True)
class Verdict:
    """What became of a batch, to be told on the event loop."""

    passed: list[Group] = field(default_factory=list)
    refused: list[tuple[Group, WeftError]] = field(default_factory=list)
    answers: list[tuple["asyncio.Future[object]", object]] = field(default_factory=list)
    refusals: list[tuple["asyncio.Future[object]", WeftError]] = field(default_factory=list)

    @property
    def units(self) -> int:
        return sum(len(group.units) for group in self.passed) + sum(len(group.units) for group, _ in self.refused)


class SqliteWriter:
    def __init__(self, path: Path, clock: Clock, on_committed: OnCommitted) -> None:
        self._path, self._clock, self._on_committed = path, clock, on_committed
        self._loop = asyncio.get_running_loop()
        self._inlet: SimpleQueue[list[Unit | Job] | None] = SimpleQueue()
        self._gathered: list[Unit | Job] = []
        self._under_way = 0
        self._waiting = Waiting()
        self._jobs: list[Job] = []
        self._is_open = True
        self._connection = connect(path, clock)
        self._thread = threading.Thread(target=self._serve, name="weft-write", daemon=True)
        self._thread.start()

    def append(self, append: Append) -> Awaitable[Sequence[Recorded]]:
        unit = Unit.of(append)
        self._put(unit)
        self._under_way += 1
        return unit.done

    async def do(self, work: Work[T]) -> T:
        """Durable when this returns."""
        return await self.do_with_others(lambda connection, _: [work(connection)], None)

    async def do_with_others(self, work: WorkOnAll[S, T], order: S) -> T:
        """The same, in one go with what else came for this work."""
        job = Job(cast(WorkOnAll[object, object], work), order, self._loop.create_future())
        self._put(job)
        return cast(T, await job.done)

    async def close(self) -> None:
        """Writes what has come so far; what comes later is refused."""
        self._is_open = False
        self._hand_over()
        self._inlet.put(None)
        await asyncio.to_thread(self._thread.join)

    def _put(self, item: Unit | Job) -> None:
        if not self._is_open:
            raise DatabaseError(f"{self._path} was closed")
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(item)

    def _hand_over(self) -> None:
        """What came in one turn of the event loop goes together: the first alone would be a commit of its own."""
        gathered, self._gathered = self._gathered, []
        self._inlet.put(gathered)

    def _serve(self) -> None:
        is_open = True
        while is_open or self._waiting:
            is_open = self._gather(may_wait=not self._waiting) and is_open
            self._write()
        self._connection.close()

    def _gather(self, *, may_wait: bool) -> bool:
        """Everything that has come; waits for the first when there is nothing else to do. False: no more will come."""
        units, jobs, inlet = self._waiting.units, self._jobs, self._inlet
        try:
            items = inlet.get() if may_wait else inlet.get_nowait()
            while items is not None:
                units.extend(item for item in items if isinstance(item, Unit))
                jobs.extend(item for item in items if isinstance(item, Job))
                items = inlet.get_nowait()
        except Empty:
            return True
        return False

    def _write(self) -> None:
        groups, jobs, self._jobs = self._waiting.batch(self._clock.now()), self._jobs, []
        if groups or jobs:
            self._write_all(groups, jobs)

    def _write_all(self, groups: list[Group], jobs: list[Job]) -> None:
        began = time.perf_counter()
        try:
            verdict = self._commit(groups, jobs)
        except Exception as error:
            self._write_apart(groups, jobs, error)
        else:
            self._loop.call_soon_threadsafe(self._tell, verdict, time.perf_counter() - began)

    def _write_apart(self, groups: list[Group], jobs: list[Job], error: Exception) -> None:
        """Whoever brought what the database does not take fails alone. When the file itself is the trouble, all fail with it."""
        if len(groups) + len(jobs) > 1 and not isinstance(error, sqlite3.OperationalError):
            for group in groups:
                self._write_all([group], [])
            for job in jobs:
                self._write_all([], [job])
            return
        failed = trouble(self._path, error)
        verdict = Verdict(refused=[(group, failed) for group in groups], refusals=[(job.done, failed) for job in jobs])
        self._loop.call_soon_threadsafe(self._tell, verdict, 0.0)

    def _commit(self, groups: list[Group], jobs: list[Job]) -> Verdict:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            verdict = Verdict(*write_appends(connection, groups)) if groups else Verdict()
            for work, same in groupby(jobs, attrgetter("work")):
                _do(connection, work, list(same), verdict)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return verdict

    def _tell(self, verdict: Verdict, seconds: float) -> None:
        self._under_way -= verdict.units
        tell_committed(verdict.passed, self._under_way)
        for group, error in verdict.refused:
            group.refuse(error)
        for done, answer in verdict.answers:
            if not done.done():
                done.set_result(answer)
        for done, refusal in verdict.refusals:
            if not done.done():
                done.set_exception(refusal)
        if verdict.passed:
            self._on_committed(sum(group.upto - group.after for group in verdict.passed), seconds)


def _do(connection: sqlite3.Connection, work: WorkOnAll[object, object], jobs: Sequence[Job], verdict: Verdict) -> None:
    answers: Sequence[object]
    try:
        answers = work(connection, [job.order for job in jobs])
    except WeftError as error:
        answers = [error] * len(jobs)
    for job, answer in zip(jobs, answers, strict=True):
        if isinstance(answer, WeftError):
            verdict.refusals.append((job.done, answer))
        else:
            verdict.answers.append((job.done, answer))
