"""Threads, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from domain.ids import TenantId, ThreadId
from domain.ports.repositories import ALL_THREADS, Page, ThreadFilter
from domain.run.run import Run
from domain.thread import Thread, ThreadState
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page
from infrastructure.store.starting import no_thread


@dataclass(frozen=True, slots=True)
class MemoryThreads:
    book: Book

    async def add(self, thread: Thread) -> None:
        if thread.parent is not None:
            await self.get(thread.tenant, thread.parent)
        self.book.open_thread(thread)

    async def get(self, tenant: TenantId, thread: ThreadId) -> Thread:
        found = self.book.threads.get(thread)
        if found is None or found.tenant != tenant:
            raise no_thread(thread)
        return found

    async def list(self, tenant: TenantId, limit: int, cursor: str | None, wanted: ThreadFilter = ALL_THREADS) -> Page[Thread]:
        mine = (thread for thread in self.book.threads.values() if thread.tenant == tenant and self._holds(wanted, thread))
        return page(mine, lambda thread: (thread.created_at.isoformat(), thread.id), limit, cursor, newest_first=True)

    async def states(self, tenant: TenantId, threads: Collection[ThreadId]) -> Mapping[ThreadId, ThreadState]:
        mine = (self.book.threads[thread] for thread in threads if thread in self.book.threads)
        return {thread.id: self._state(thread) for thread in mine if thread.tenant == tenant}

    async def below(self, tenant: TenantId, thread: ThreadId, limit: int) -> Sequence[Thread]:
        root = self.book.threads.get(thread)
        found = [root] if root is not None and root.tenant == tenant else []
        for parent in found:  # grows while it is walked
            found += self._children(parent)
            if len(found) >= limit:
                break
        return found[:limit]

    def _children(self, parent: Thread) -> Sequence[Thread]:
        mine = (thread for thread in self.book.threads.values() if thread.parent == parent.id)
        return sorted(mine, key=lambda thread: (thread.created_at, thread.id))

    def _holds(self, wanted: ThreadFilter, thread: Thread) -> bool:
        return (
            wanted.parent in (None, thread.parent)
            and wanted.session in (None, thread.session)
            and wanted.thread_type in (None, thread.thread_type)
            and (wanted.state is None or wanted.state is self._state(thread))
        )

    def _state(self, thread: Thread) -> ThreadState:
        unfinished = self.book.line.unfinished(thread.id, thread.line)
        run = self.book.runs[unfinished[0]] if unfinished else self._newest(thread)
        return ThreadState.of(None if run is None else run.status)

    def _newest(self, thread: Thread) -> Run | None:
        mine = (run for run in self.book.runs.values() if run.thread == thread.id)
        return max(mine, key=lambda run: (run.created_at, run.id), default=None)
