"""Appending in memory: an append that nobody reads costs a check and two list appends."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.errors import Fenced, Stale
from domain.ids import BEGINNING, Position, RunId, TenantId, ThreadId
from domain.ports.clock import Clock
from domain.ports.journal import Append, Checkpoint, Recorded
from domain.run.events import Event
from domain.run.run import Run
from infrastructure.store.codec import decode
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.log import Log, Rows
from infrastructure.store.memory.webhooks import tell

FAIR_SHARE = 64
"""After so many appends in a row everybody else gets a turn: nothing else in here would ever let go of the loop."""


@dataclass(slots=True)
class MemoryJournal:
    book: Book
    clock: Clock
    on_committed: Callable[[int, float], None] | None = None
    _in_a_row: int = 0

    async def append(self, append: Append) -> Sequence[Recorded]:
        log = self._checked(append)
        start = len(log.events)
        log.events.extend(append.events)
        rows = Rows(log, range(start, len(log.events)))
        log.marks.extend([(append.lease.run, self.clock.now())] * len(append.events))
        if (
            append.run is not None
            or append.usage
            or append.taken
            or append.checkpoint is not None
            or append.release_at is not None
            or append.snapshots
            or append.begun is not None
        ):
            self._beside(append, log)
        if self.on_committed is not None:
            self.on_committed(len(append.events), 0.0)
        self._in_a_row += 1
        if self._in_a_row >= FAIR_SHARE:
            self._in_a_row = 0
            await asyncio.sleep(0)
        return rows

    async def read(
        self, tenant: TenantId, thread: ThreadId, after: Position, limit: int = 1000, run: RunId | None = None
    ) -> Sequence[Recorded]:
        log = self.book.log(tenant, thread)
        if log is None:
            return ()
        if run is None:
            return tuple(log.between(after, min(after + limit, log.end)))
        wanted = (index for index in range(max(after - log.base, 0), len(log.events)) if log.marks[index][0] == run)
        return tuple(log.row(index) for index, _ in zip(wanted, range(limit), strict=False))

    async def newest_checkpoint(self, tenant: TenantId, thread: ThreadId, upto: Position | None = None) -> Checkpoint | None:
        log = self.book.log(tenant, thread)
        return log.newest_checkpoint(log.end if upto is None else upto) if log else None

    async def end(self, tenant: TenantId, thread: ThreadId) -> Position:
        log = self.book.log(tenant, thread)
        return log.end if log else BEGINNING

    def decode(self, row: Recorded) -> Event:
        return decode(row.kind, row.body)

    def _checked(self, append: Append) -> Log:
        lease = append.lease
        log = self.book.logs.get(lease.thread)
        if log is None or log.epoch != lease.epoch:
            raise Fenced(f"the lease on thread {lease.thread} with epoch {lease.epoch} is not the newest: stop, another worker goes on")
        if log.base + len(log.events) != append.after:
            raise Stale(f"the journal of thread {lease.thread} ends at {log.end}, not at {append.after}: read the tail and decide again")
        return log

    def _beside(self, append: Append, log: Log) -> None:
        book, lease = self.book, append.lease
        if append.run is not None:
            book.runs[lease.run] = append.run
        if append.told_of is not None:
            tell(book, append, self.clock.now())
        for row in append.usage:
            book.count(row)
        for number in append.taken:
            book.inbox.get(lease.thread, {}).pop(number, None)
        if append.checkpoint is not None:
            log.keep(append.checkpoint)
        for snapshot in append.snapshots:
            book.keep(snapshot)
        if lease.run in book.runs:  # rows from outside, between runs, are nobody's
            self._let_go(book.runs[lease.run], append.release_at)

    def _let_go(self, run: Run, release_at: float | None) -> None:
        place = self.book.line.places.get(run.id)
        if place is None:
            return
        if run.status.is_final:
            self.book.end(run)
        elif release_at is not None:
            # A wish that came while the worker decided to park has woken nobody yet.
            now = self.clock.now().timestamp()
            self.book.line.free(place, min(release_at, now) if self.book.asked_of(run) else release_at)
