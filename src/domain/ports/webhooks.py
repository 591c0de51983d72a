"""Webhooks, what is owed to them, and the way to their receivers. Each call of a store is its own transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from domain.ids import DeliveryId, RunId, TenantId, WebhookId
from domain.news import RunNews
from domain.ports.repositories import Page
from domain.webhook import Attempt, Delivery, DeliveryState, Webhook

HEARD_SECONDS: Final = 0.25
"""So long after a tenant's first webhook was added, or enabled, every process knows that somebody listens."""


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """None: any."""

    state: DeliveryState | None = None
    news: RunNews | None = None
    run: RunId | None = None


class Webhooks(Protocol):
    """Another tenant's webhook does not exist."""

    async def add(self, webhook: Webhook) -> None:
        """Keep a new one. One that is there stays as it is."""

    async def get(self, tenant: TenantId, webhook: WebhookId) -> Webhook:
        """`WebhookNotFound` when there is none."""

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[Webhook]:
        """Newest first."""

    async def change(self, changed: Webhook) -> bool:
        """Keep it as its next revision. False, and nothing is kept, when its revision is no longer `changed.revision`."""

    async def remove(self, tenant: TenantId, webhook: WebhookId) -> None:
        """With its deliveries. `WebhookNotFound` when there is none."""


class Deliveries(Protocol):
    """The log. An append that changes a run's public row adds, in its own transaction, a delivery for each webhook that wants to hear."""

    async def add(self, delivery: Delivery) -> None:
        """Keep a new one. One that is there stays as it is."""

    async def get(self, webhook: Webhook, delivery: DeliveryId) -> Delivery:
        """`DeliveryNotFound` when there is none."""

    async def list(self, webhook: Webhook, wanted: DeliveryFilter, limit: int, cursor: str | None) -> Page[Delivery]:
        """Newest first, without their bodies."""

    async def settle(self, changed: Delivery) -> bool:
        """Keep what changed but for its body, as its next revision; False, and nothing is kept, when somebody else took or changed it."""


class DueDeliveries(Protocol):
    """Of all tenants, for those who send."""

    async def due(self) -> Mapping[WebhookId, datetime]:
        """When each enabled webhook's next delivery is due; without those that have none. Cheap."""

    async def take(self, webhook: WebhookId, now: datetime, until: datetime, limit: int) -> tuple[Webhook | None, Sequence[Delivery]]:
        """Some that are due, each as a new revision that nobody else gets before `until`. None: it was removed or disabled meanwhile."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Drop up to `limit` deliveries created before; how many went."""


class WebhookUrls(Protocol):
    def objection(self, url: str) -> str | None:
        """Why nothing will be sent there, as far as the URL alone tells; None: nothing is known against it."""


class WebhookSender(Protocol):
    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """POST it once, in bounded time; whatever goes wrong is told in the attempt."""
