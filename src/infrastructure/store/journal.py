"""The journal over either database: a writer that groups commits, and plain reads."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.ids import Position, RunId, TenantId, ThreadId
from domain.ports.hints import QUEUE, Hints
from domain.ports.journal import Append, Checkpoint, Recorded
from domain.run.events import Event
from infrastructure.store.reading import JournalReads


class Writer(Protocol):
    def append(self, append: Append) -> Awaitable[Sequence[Recorded]]: ...


@dataclass(frozen=True, slots=True)
class GroupedJournal:
    writer: Writer
    reads: JournalReads
    hints: Hints

    async def append(self, append: Append) -> Sequence[Recorded]:
        rows = await self.writer.append(append)
        if append.release_at is not None:
            self.hints.ring(QUEUE)
        return rows

    async def read(
        self, tenant: TenantId, thread: ThreadId, after: Position, limit: int = 1000, run: RunId | None = None
    ) -> Sequence[Recorded]:
        return await self.reads.read(tenant, thread, after, limit, run)

    async def newest_checkpoint(self, tenant: TenantId, thread: ThreadId, upto: Position | None = None) -> Checkpoint | None:
        return await self.reads.newest_checkpoint(tenant, thread, upto)

    async def end(self, tenant: TenantId, thread: ThreadId) -> Position:
        return await self.reads.end(tenant, thread)

    def decode(self, row: Recorded) -> Event:
        return self.reads.decode(row)
