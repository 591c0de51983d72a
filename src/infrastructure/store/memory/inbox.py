"""Wishes in memory, by thread and in the order they came."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from domain.ids import RunId, TenantId, ThreadId
from domain.json import JsonObject
from domain.ports.clock import Clock
from domain.ports.inbox import CANCEL, Wish
from infrastructure.store.memory.book import Book


@dataclass(frozen=True, slots=True)
class MemoryInbox:
    book: Book
    clock: Clock
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def put(self, tenant: TenantId, thread: ThreadId, run: RunId, kind: str, body: JsonObject, key: str) -> bool:
        self.book.run(tenant, run)
        wishes = self.book.inbox.setdefault(thread, {})
        if any(known == key and wish.run == run for known, wish in wishes.values()):
            return False
        number = next(self._numbers)
        wishes[number] = (key, Wish(number, thread, run, kind, body))
        self._wake(run, kind)
        return True

    async def waiting(self, threads: Collection[ThreadId]) -> Sequence[Wish]:
        found = (wish for thread in threads for _, wish in self.book.inbox.get(thread, {}).values())
        return sorted(found, key=lambda wish: wish.number)

    async def count(self, run: RunId, kind: str) -> int:
        return sum(wish.run == run and wish.kind == kind for wishes in self.book.inbox.values() for _, wish in wishes.values())

    async def knocked(self, timeout: float) -> None:
        await self.book.wishes.heard(timeout)

    def _wake(self, run: RunId, kind: str) -> None:
        now = self.clock.now().timestamp()
        place = self.book.line.places.get(run)
        if place is not None and place.worker is None:
            if kind == CANCEL:
                self.book.line.free(place, min(place.due, now), replace(place.terms, slot=None, rate=None))
            elif place.due > now and place.has_begun:
                self.book.line.free(place, now)
        self.book.wishes.ring()
