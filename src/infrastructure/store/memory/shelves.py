"""Threads, the usage ledger, keys and health, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access import ApiKey
from domain.errors import KeyNotFound, ThreadNotFound
from domain.ids import KeyId, RunId, TenantId, ThreadId
from domain.ports.repositories import Health, Page
from domain.thread import Thread
from domain.usage import UsageRow
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page


@dataclass(frozen=True, slots=True)
class MemoryThreads:
    book: Book

    async def add(self, thread: Thread) -> None:
        self.book.open_thread(thread)

    async def get(self, tenant: TenantId, thread: ThreadId) -> Thread:
        found = self.book.threads.get(thread)
        if found is None or found.tenant != tenant:
            raise ThreadNotFound(f"there is no thread {thread}")
        return found

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[Thread]:
        mine = (thread for thread in self.book.threads.values() if thread.tenant == tenant)
        return page(mine, lambda thread: (thread.created_at.isoformat(), thread.id), limit, cursor, newest_first=True)


@dataclass(frozen=True, slots=True)
class MemoryUsage:
    book: Book

    async def count(self, rows: Sequence[UsageRow]) -> None:
        for row in rows:
            self.book.count(row)

    async def of_run(self, tenant: TenantId, run: RunId) -> Sequence[UsageRow]:
        return [row for row in self.book.usage.get(run, {}).values() if row.tenant == tenant]


@dataclass(frozen=True, slots=True)
class MemoryKeys:
    book: Book

    async def add(self, key: ApiKey) -> None:
        self.book.keys[key.id] = key

    async def by_digest(self, digest: str) -> ApiKey | None:
        return next((key for key in self.book.keys.values() if key.digest == digest), None)

    async def any(self) -> bool:
        return bool(self.book.keys)

    async def list(self, tenant: TenantId) -> Sequence[ApiKey]:
        return sorted((key for key in self.book.keys.values() if key.tenant == tenant), key=lambda key: (key.created_at, key.id))

    async def remove(self, tenant: TenantId, key: KeyId) -> None:
        found = self.book.keys.get(key)
        if found is None or found.tenant != tenant:
            raise KeyNotFound(f"there is no key {key}")
        del self.book.keys[key]


@dataclass(frozen=True, slots=True)
class MemoryHealth:
    async def check(self) -> Health:
        return Health(ready=True, details={"store": "memory"})
