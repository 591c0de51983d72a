"""Webhooks, and the log of what was delivered to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, select, tuple_, update

from domain.errors import DeliveryNotFound, WebhookNotFound
from domain.ids import DeliveryId, TenantId, WebhookId
from domain.ports.repositories import Page
from domain.ports.webhooks import DeliveryFilter
from domain.webhook import Delivery, Webhook
from infrastructure.store.rows import seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import newest_first, page
from infrastructure.store.webhook_rows import delivery_of, delivery_row, progress_row, webhook_of, webhook_row
from infrastructure.store.webhook_tables import webhook_deliveries as deliveries
from infrastructure.store.webhook_tables import webhooks


@dataclass(frozen=True, slots=True)
class KeptWebhooks:
    database: Database

    async def add(self, webhook: Webhook) -> None:
        await self.database.change(self.database.insert(webhooks).values(webhook_row(webhook)).on_conflict_do_nothing())

    async def get(self, tenant: TenantId, webhook: WebhookId) -> Webhook:
        rows = await self.database.rows(select(webhooks).where(webhooks.c.id == webhook, webhooks.c.tenant == tenant))
        if not rows:
            raise no_webhook(webhook)
        return webhook_of(rows[0])

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[Webhook]:
        mine = select(webhooks).where(webhooks.c.tenant == tenant)
        rows = await self.database.rows(newest_first(mine, webhooks.c.created_at, webhooks.c.id, limit, cursor))
        return page(rows, limit, webhook_of, lambda row: (repr(row[2]), row[0]))

    async def change(self, changed: Webhook) -> bool:
        values = {**webhook_row(changed), "revision": changed.revision + 1}
        standing = update(webhooks).where(webhooks.c.id == changed.id, webhooks.c.revision == changed.revision)
        return bool(await self.database.change(standing.values(values)))

    async def remove(self, tenant: TenantId, webhook: WebhookId) -> None:
        async with self.database.transaction() as connection:
            gone = await connection.execute(delete(webhooks).where(webhooks.c.id == webhook, webhooks.c.tenant == tenant))
            if not gone.rowcount:
                raise no_webhook(webhook)
            await connection.execute(delete(deliveries).where(deliveries.c.webhook == webhook))


@dataclass(frozen=True, slots=True)
class KeptDeliveries:
    database: Database

    async def add(self, delivery: Delivery) -> None:
        await self.database.change(self.database.insert(deliveries).values(delivery_row(delivery)).on_conflict_do_nothing())

    async def get(self, webhook: Webhook, delivery: DeliveryId) -> Delivery:
        rows = await self.database.rows(select(deliveries).where(deliveries.c.webhook == webhook.id, deliveries.c.id == delivery))
        if not rows:
            raise no_delivery(delivery)
        return delivery_of(rows[0])

    async def list(self, webhook: Webhook, wanted: DeliveryFilter, limit: int, cursor: str | None) -> Page[Delivery]:
        shown = [column for column in deliveries.c if column is not deliveries.c.body]
        mine = _only(select(*shown).where(deliveries.c.webhook == webhook.id), wanted)
        rows = await self.database.rows(newest_first(mine, deliveries.c.created_at, deliveries.c.id, limit, cursor))
        return page(rows, limit, delivery_of, lambda row: (repr(row[6]), row[1]))

    async def settle(self, changed: Delivery) -> bool:
        values = {**progress_row(changed), "revision": changed.revision + 1}
        mine = (deliveries.c.webhook == changed.webhook) & (deliveries.c.id == changed.id) & (deliveries.c.revision == changed.revision)
        return bool(await self.database.change(update(deliveries).where(mine).values(values)))


@dataclass(frozen=True, slots=True)
class KeptDueDeliveries:
    database: Database

    async def take(self, webhook: WebhookId, now: datetime, until: datetime, limit: int) -> tuple[Webhook | None, Sequence[Delivery]]:
        """On PostgreSQL others' rows are passed over; SQLite lets in one at a time."""
        wants = (deliveries.c.webhook == webhook) & (deliveries.c.due_at <= seconds(now))
        oldest = select(deliveries.c.id).where(wants).order_by(deliveries.c.due_at).limit(limit)
        chosen = oldest.with_for_update(skip_locked=True).cte()
        values = {"due_at": seconds(until), "revision": deliveries.c.revision + 1}
        taking = update(deliveries).where(deliveries.c.id.in_(select(chosen.c.id)), wants).values(values).returning(*deliveries.c)
        async with self.database.transaction() as connection:
            there = (await connection.execute(select(webhooks).where(webhooks.c.id == webhook, webhooks.c.enabled))).first()
            if there is None:
                return None, ()
            return webhook_of(there), [delivery_of(row) for row in (await connection.execute(taking)).all()]

    async def forget(self, before: datetime, limit: int) -> int:
        old = select(deliveries.c.webhook, deliveries.c.id).where(deliveries.c.created_at < seconds(before))
        chosen = old.order_by(deliveries.c.created_at).limit(limit)
        return await self.database.change(delete(deliveries).where(tuple_(deliveries.c.webhook, deliveries.c.id).in_(chosen)))


def no_webhook(webhook: WebhookId) -> WebhookNotFound:
    return WebhookNotFound(f"there is no webhook {webhook}")


def no_delivery(delivery: DeliveryId) -> DeliveryNotFound:
    return DeliveryNotFound(f"there is no delivery {delivery}")


def _only(query: Select[tuple[object, ...]], wanted: DeliveryFilter) -> Select[tuple[object, ...]]:
    asked = ((deliveries.c.state, wanted.state), (deliveries.c.news, wanted.news), (deliveries.c.run, wanted.run))
    return query.where(*(column == str(value) for column, value in asked if value is not None))
