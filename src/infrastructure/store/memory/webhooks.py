"""Webhooks and what is owed to them, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import DeliveryNotFound, WebhookNotFound
from domain.ids import DeliveryId, TenantId, WebhookId
from domain.ports.journal import Append
from domain.ports.repositories import Page
from domain.ports.webhooks import DeliveryFilter
from domain.webhook import Delivery, Webhook
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page
from infrastructure.store.telling import told_with_bodies


def tell(book: Book, append: Append, at: datetime) -> None:
    """What webhooks are told of an append."""
    listening = [webhook for webhook in book.webhooks.values() if webhook.enabled and webhook.tenant == append.lease.tenant]
    if not listening:
        return
    for one, body in told_with_bodies(append, at):
        for webhook in listening:
            if webhook.wants(one.news, one.workflow):
                owed = Delivery(one.id, webhook.id, webhook.tenant, one.news, append.lease.run, at, body, due_at=at)
                book.deliveries.setdefault(webhook.id, {}).setdefault(one.id, owed)


@dataclass(frozen=True, slots=True)
class MemoryWebhooks:
    book: Book

    async def add(self, webhook: Webhook) -> None:
        self.book.webhooks.setdefault(webhook.id, webhook)

    async def get(self, tenant: TenantId, webhook: WebhookId) -> Webhook:
        found = self.book.webhooks.get(webhook)
        if found is None or found.tenant != tenant:
            raise WebhookNotFound(f"there is no webhook {webhook}")
        return found

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[Webhook]:
        mine = (webhook for webhook in self.book.webhooks.values() if webhook.tenant == tenant)
        return page(mine, lambda webhook: (webhook.created_at.isoformat(), webhook.id), limit, cursor, newest_first=True)

    async def change(self, changed: Webhook) -> bool:
        there = self.book.webhooks.get(changed.id)
        if there is None or there.revision != changed.revision:
            return False
        self.book.webhooks[changed.id] = replace(changed, revision=changed.revision + 1)
        return True

    async def remove(self, tenant: TenantId, webhook: WebhookId) -> None:
        await self.get(tenant, webhook)
        del self.book.webhooks[webhook]
        self.book.deliveries.pop(webhook, None)


@dataclass(frozen=True, slots=True)
class MemoryDeliveries:
    book: Book

    async def add(self, delivery: Delivery) -> None:
        self.book.deliveries.setdefault(delivery.webhook, {}).setdefault(delivery.id, delivery)

    async def get(self, webhook: Webhook, delivery: DeliveryId) -> Delivery:
        found = self.book.deliveries.get(webhook.id, {}).get(delivery)
        if found is None:
            raise DeliveryNotFound(f"there is no delivery {delivery}")
        return found

    async def list(self, webhook: Webhook, wanted: DeliveryFilter, limit: int, cursor: str | None) -> Page[Delivery]:
        mine = (replace(one, body=b"") for one in self.book.deliveries.get(webhook.id, {}).values() if _fits(one, wanted))
        return page(mine, lambda one: (one.created_at.isoformat(timespec="microseconds"), one.id), limit, cursor, newest_first=True)

    async def settle(self, changed: Delivery) -> bool:
        mine = self.book.deliveries.get(changed.webhook, {})
        there = mine.get(changed.id)
        if there is None or there.revision != changed.revision:
            return False
        mine[changed.id] = replace(changed, body=there.body, revision=changed.revision + 1)
        return True


@dataclass(frozen=True, slots=True)
class MemoryDueDeliveries:
    book: Book

    async def due(self) -> Mapping[WebhookId, datetime]:
        enabled = (webhook.id for webhook in self.book.webhooks.values() if webhook.enabled)
        owed = {
            webhook: [one.due_at for one in self.book.deliveries.get(webhook, {}).values() if one.due_at is not None] for webhook in enabled
        }
        return {webhook: min(times) for webhook, times in owed.items() if times}

    async def take(self, webhook: WebhookId, now: datetime, until: datetime, limit: int) -> tuple[Webhook | None, Sequence[Delivery]]:
        there = self.book.webhooks.get(webhook)
        if there is None or not there.enabled:
            return None, ()
        mine = self.book.deliveries.get(webhook, {})
        wanting = sorted((one.due_at, one.id) for one in mine.values() if one.due_at is not None and one.due_at <= now)
        taken = [replace(mine[found], due_at=until, revision=mine[found].revision + 1) for _, found in wanting[:limit]]
        mine |= {one.id: one for one in taken}
        return there, taken

    async def forget(self, before: datetime, limit: int) -> int:
        everything = (one for mine in self.book.deliveries.values() for one in mine.values() if one.created_at < before)
        old = sorted(everything, key=lambda one: one.created_at)[:limit]
        for one in old:
            del self.book.deliveries[one.webhook][one.id]
        return len(old)


def _fits(delivery: Delivery, wanted: DeliveryFilter) -> bool:
    asked = ((delivery.state, wanted.state), (delivery.news, wanted.news), (delivery.run, wanted.run))
    return all(value in (None, there) for there, value in asked)
