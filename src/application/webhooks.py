"""Webhooks: make them, look at them, change them, and see what was delivered."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from application.access import NewSecret
from application.errors import Problem, ValidationError
from application.names import id_or
from application.once import Once, digest_of
from application.paging import PageOrder, shown
from application.views import PageView
from application.webhook_orders import DeliveryListOrder, WebhookOrder, WebhookPatch
from application.webhook_views import DeliveryView, NewWebhookView, SecretView, WebhookView
from domain.access import Principal, Role
from domain.errors import DeliveryNotFound, IllegalTransition, WebhookNotFound
from domain.ids import DeliveryId, NewId, RunId, WebhookId
from domain.news import RunNews
from domain.ports.clock import Clock
from domain.ports.webhooks import HEARD_SECONDS, Deliveries, Webhooks, WebhookUrls
from domain.telling import message
from domain.webhook import Delivery, Webhook, secret_of

OLD_SECRET_HOURS: Final = 24
LONGEST_DELIVERY_ID: Final = 200
NO_RUN: Final = RunId("")


@dataclass(frozen=True, slots=True)
class WebhookDesk:
    webhooks: Webhooks
    deliveries: Deliveries
    urls: WebhookUrls
    once: Once
    new_id: NewId
    new_secret: NewSecret
    clock: Clock

    async def create(self, who: Principal, order: WebhookOrder, key: str | None = None) -> NewWebhookView:
        """It hears of everything that is committed after this returns."""
        who.must_be(Role.ADMIN)
        self._check(order.url)
        made = order.webhook(WebhookId(self.new_id()), who.tenant, secret_of(self.new_secret()), self.clock)
        if key is not None:
            named = await self.once.named(who, key, digest_of("webhook order", order.model_dump(mode="json")), made.id)
            made = replace(made, id=WebhookId(named))
        await self.webhooks.add(made)
        await self.clock.sleep(HEARD_SECONDS)
        return NewWebhookView.with_secret(await self.webhooks.get(who.tenant, made.id))

    async def get(self, who: Principal, webhook: str) -> WebhookView:
        who.must_be(Role.VIEWER)
        return WebhookView.of(await self._find(who, webhook))

    async def list(self, who: Principal, order: PageOrder) -> PageView[WebhookView]:
        """Newest first."""
        who.must_be(Role.VIEWER)
        return shown(await self.webhooks.list(who.tenant, order.limit, order.cursor), WebhookView.of)

    async def change(self, who: Principal, webhook: str, patch: WebhookPatch) -> WebhookView:
        """What waits for it goes to its new URL; what waited while it was disabled is sent when it is enabled."""
        who.must_be(Role.ADMIN)
        if "url" in patch.model_fields_set:
            self._check(patch.url)
        changed = await self._changed(who, webhook, patch.applied)
        await self.clock.sleep(HEARD_SECONDS)
        return WebhookView.of(changed)

    async def remove(self, who: Principal, webhook: str) -> None:
        """With its log; what waits for it is not sent."""
        who.must_be(Role.ADMIN)
        await self.webhooks.remove(who.tenant, _id_of(webhook))

    async def rotate(self, who: Principal, webhook: str) -> SecretView:
        who.must_be(Role.ADMIN)
        secret, until = secret_of(self.new_secret()), self.clock.now() + timedelta(hours=OLD_SECRET_HOURS)
        await self._changed(who, webhook, lambda found: found.rotated(secret, until))
        return SecretView(secret=secret, old_until=until)

    async def test(self, who: Principal, webhook: str, key: str | None = None) -> DeliveryView:
        """Owe it an event of its own, which is sent like any other."""
        who.must_be(Role.OPERATOR)
        found, now = await self._find(who, webhook), self.clock.now()
        _must_be_enabled(found)
        name = f"evt_test_{self.new_id()}"
        if key is not None:
            name = await self.once.named(who, key, digest_of("webhook test", found.id), name)
        body = json.dumps(message(RunNews.TEST, now, {"webhook": found.id})).encode()
        await self.deliveries.add(Delivery(DeliveryId(name), found.id, who.tenant, RunNews.TEST, NO_RUN, now, body, due_at=now))
        return DeliveryView.of(await self.deliveries.get(found, DeliveryId(name)))

    async def log(self, who: Principal, webhook: str, order: DeliveryListOrder) -> PageView[DeliveryView]:
        """Newest first."""
        who.must_be(Role.VIEWER)
        found = await self._find(who, webhook)
        return shown(await self.deliveries.list(found, order.wanted(), order.limit, order.cursor), DeliveryView.of)

    async def redeliver(self, who: Principal, webhook: str, delivery: str) -> DeliveryView:
        """The same event once more, under its id, whatever came of it before."""
        who.must_be(Role.OPERATOR)
        found = await self._find(who, webhook)
        _must_be_enabled(found)
        if not 0 < len(delivery) <= LONGEST_DELIVERY_ID:
            raise DeliveryNotFound("no delivery has such an id")
        while True:
            there = await self.deliveries.get(found, DeliveryId(delivery))
            if await self.deliveries.settle(again := there.again(self.clock.now())):
                return DeliveryView.of(again)

    async def _find(self, who: Principal, webhook: str) -> Webhook:
        return await self.webhooks.get(who.tenant, _id_of(webhook))

    async def _changed(self, who: Principal, webhook: str, change: Callable[[Webhook], Webhook]) -> Webhook:
        while True:
            changed = change(await self._find(who, webhook))
            if await self.webhooks.change(changed):
                return changed

    def _check(self, url: str) -> None:
        if (objection := self.urls.objection(url)) is not None:
            raise ValidationError(f"nothing can be sent to this URL: {objection}", [Problem("/url", "bad_url", objection)])


def _id_of(webhook: str) -> WebhookId:
    return WebhookId(id_or(WebhookNotFound, webhook))


def _must_be_enabled(webhook: Webhook) -> None:
    if not webhook.enabled:
        raise IllegalTransition("the webhook is disabled: enable it first, then what waits for it is sent too")
