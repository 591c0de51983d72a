"""Holding a thread of a store in memory."""

from dataclasses import dataclass

from domain.ids import Epoch, TenantId, ThreadId
from domain.ports.holds import Hold
from domain.run.run import RunStatus
from infrastructure.store.holding import busy, hold_of
from infrastructure.store.memory.book import Book
from infrastructure.store.starting import no_thread


@dataclass(frozen=True, slots=True)
class MemoryHolds:
    book: Book

    async def hold(self, tenant: TenantId, thread: ThreadId) -> Hold:
        log = self.book.log(tenant, thread)
        if log is None:
            raise no_thread(thread)
        holder = self.book.line.holder(thread)
        if holder is not None and self.book.runs[holder].status is not RunStatus.PARKED:
            raise busy(thread, holder)
        log.epoch = Epoch(log.epoch + 1)
        return hold_of(tenant, thread, holder, log.epoch, log.end)
