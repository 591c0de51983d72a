"""The usage ledger, keys and health, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access import ApiKey
from domain.errors import KeyNotFound
from domain.ids import Epoch, KeyId, RunId, TenantId
from domain.ports.repositories import Health
from domain.tally import Aspect, Spent, UsageFilter, grouped, matches
from domain.usage import UsageRow, UsageState
from infrastructure.store.memory.book import Book


@dataclass(frozen=True, slots=True)
class MemoryUsage:
    book: Book

    async def count(self, rows: Sequence[UsageRow]) -> None:
        for row in rows:
            self.book.count(row)

    async def of_run(self, tenant: TenantId, run: RunId) -> Sequence[UsageRow]:
        return [row for row in self._lines(tenant, run) if row.state is not UsageState.VOID]

    async def reserved(self, tenant: TenantId, run: RunId, before: Epoch) -> Sequence[UsageRow]:
        return [row for row in self._lines(tenant, run) if row.state is UsageState.RESERVED and row.epoch < before]

    def _lines(self, tenant: TenantId, run: RunId) -> Sequence[UsageRow]:
        return [row for row in self.book.usage.get(run, {}).values() if row.tenant == tenant]


@dataclass(frozen=True, slots=True)
class MemorySums:
    book: Book

    async def grouped(self, tenant: TenantId, by: tuple[Aspect, ...], wanted: UsageFilter, most: int) -> Sequence[Spent]:
        lines = (row for lines in self.book.usage.values() for row in lines.values())
        return grouped((row for row in lines if row.tenant == tenant and matches(row, wanted)), by)[:most]


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
