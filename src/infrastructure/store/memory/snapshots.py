"""Snapshots of threads, in memory."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import SnapshotNotFound
from domain.ids import SnapshotId, TenantId, ThreadId
from domain.ports.repositories import Page
from domain.ports.snapshots import SnapshotFilter
from domain.snapshot import ThreadSnapshot
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page
from infrastructure.store.starting import no_thread


@dataclass(frozen=True, slots=True)
class MemorySnapshots:
    book: Book

    async def add(self, snapshot: ThreadSnapshot) -> None:
        if self.book.log(snapshot.tenant, snapshot.thread) is None:
            raise no_thread(snapshot.thread)
        self.book.keep(snapshot)

    async def get(self, tenant: TenantId, thread: ThreadId, snapshot: SnapshotId) -> ThreadSnapshot:
        found = self.book.snapshots.get(thread, {}).get(snapshot)
        if found is None or found.tenant != tenant:
            raise SnapshotNotFound(f"there is no snapshot {snapshot} of this thread")
        return found

    async def list(
        self, tenant: TenantId, thread: ThreadId, wanted: SnapshotFilter, limit: int, cursor: str | None
    ) -> Page[ThreadSnapshot]:
        kept = self.book.snapshots.get(thread, {}).values()
        mine = (replace(one, data=b"") for one in kept if one.tenant == tenant and _is_wanted(one, wanted))
        return page(mine, lambda one: (one.created_at.isoformat(timespec="microseconds"), one.id), limit, cursor, newest_first=True)

    async def remove(self, tenant: TenantId, thread: ThreadId, snapshot: SnapshotId) -> None:
        await self.get(tenant, thread, snapshot)
        del self.book.snapshots[thread][snapshot]

    async def forget(self, expired_before: datetime, limit: int) -> int:
        kept = (one for of_thread in self.book.snapshots.values() for one in of_thread.values())
        old = sorted((at, one.id, one.thread) for one in kept if (at := one.expires_at) is not None and at < expired_before)
        for _, identity, thread in old[:limit]:
            del self.book.snapshots[thread][identity]
        return len(old[:limit])


def _is_wanted(snapshot: ThreadSnapshot, wanted: SnapshotFilter) -> bool:
    about = snapshot.metadata
    fits = wanted.tag in (None, *about.tags) and wanted.checkpoint_type in (None, snapshot.checkpoint_type)
    return fits and (wanted.unexpired_at is None or not snapshot.is_expired(wanted.unexpired_at))
