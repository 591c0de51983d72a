"""What is remembered across threads, in memory."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import TenantId
from domain.item import Item, Namespace, words_in
from domain.ports.items import ItemFilter
from domain.ports.repositories import Page
from infrastructure.store.item_rows import fits, joined, no_item, succeeding, words_of
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page


@dataclass(frozen=True, slots=True)
class MemoryItems:
    book: Book

    async def put(self, item: Item, expected: int | None = None) -> Item:
        at = (item.tenant, item.namespace, item.key)
        kept = succeeding(item, self.book.items.get(at), expected)
        self.book.items[at] = kept
        return kept

    async def get(self, tenant: TenantId, namespace: Namespace, key: str, now: datetime) -> Item:
        found = self.book.items.get((tenant, namespace, key))
        if found is None or found.is_expired(now):
            raise no_item(namespace, key)
        return found

    async def delete(self, tenant: TenantId, namespace: Namespace, key: str, now: datetime) -> None:
        await self.get(tenant, namespace, key, now)
        del self.book.items[tenant, namespace, key]

    async def search(self, tenant: TenantId, wanted: ItemFilter, now: datetime, limit: int, cursor: str | None) -> Page[Item]:
        mine = (item for item in self.book.items.values() if item.tenant == tenant and not item.is_expired(now))
        found = (item for item in mine if _is_in(item, wanted) and fits(item, wanted))
        return page(found, lambda item: (joined(item.namespace), item.key), limit, cursor)

    async def forget(self, expired_before: datetime, limit: int) -> int:
        old = sorted((at, key) for key, item in self.book.items.items() if (at := item.expires_at) is not None and at < expired_before)
        for _, key in old[:limit]:
            del self.book.items[key]
        return len(old[:limit])


def _is_in(item: Item, wanted: ItemFilter) -> bool:
    within = item.namespace[: len(wanted.prefix)] == wanted.prefix
    words = words_in(item.value)
    return within and all(word in words for word in words_of(wanted))
