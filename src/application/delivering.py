"""Sending what is owed to webhooks, and forgetting old deliveries."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from domain.errors import RunNotFound, WebhookNotFound
from domain.ids import WebhookId
from domain.ports.clock import Clock
from domain.ports.repositories import Runs
from domain.ports.webhooks import Deliveries, DueDeliveries, Webhooks, WebhookSender
from domain.tracing import of_run
from domain.webhook import Attempt, Delivery, Webhook, signature

log = structlog.get_logger("application.webhooks")

AT_ONCE: Final = 20
AT_ONCE_PER_WEBHOOK: Final = 4
HELD_SECONDS: Final = 30.0
"""So long nobody else sends a delivery that was taken; a try takes 10."""
KEPT_DAYS: Final = 30
BATCH: Final = 500
PAUSE_SECONDS: Final = 0.2
REST_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Deliver:
    """One try of one delivery: whatever comes of it is kept before the next one can be due."""

    webhooks: Webhooks
    deliveries: Deliveries
    runs: Runs
    sender: WebhookSender
    clock: Clock
    chance: Callable[[], float]

    async def __call__(self, webhook: Webhook, delivery: Delivery) -> None:
        headers = {**headers_of(webhook, delivery, self.clock.now()), **await self._trace(delivery)}
        attempt = await self.sender.send(webhook.url, headers, delivery.body)
        tried = delivery.after(attempt, self.chance())
        log.info("webhook tried", webhook=webhook.id, delivery=delivery.id, state=tried.state.value, came=attempt.reason, tries=tried.tries)
        if await self.deliveries.settle(tried):
            await self._tell(webhook, attempt)

    async def _trace(self, delivery: Delivery) -> dict[str, str]:
        """The receiver may go on with that of the run; what no run tells has none, nor what is told of one that is gone."""
        try:
            run = await self.runs.get(delivery.tenant, delivery.run) if delivery.run else None
        except RunNotFound:
            return {}
        return {} if run is None else {"traceparent": of_run(run.id, run.trace).traceparent}

    async def _tell(self, webhook: Webhook, attempt: Attempt) -> None:
        """The webhook may change meanwhile, by its owner or by another try."""
        changed = webhook.after(attempt)
        while changed != webhook and not await self.webhooks.change(changed):
            try:
                webhook = await self.webhooks.get(webhook.tenant, webhook.id)
            except WebhookNotFound:
                return
            changed = webhook.after(attempt) if webhook.enabled else webhook
        if not changed.enabled and webhook.enabled:
            log.warning("webhook disabled", webhook=webhook.id, reason=changed.disabled_reason)


def headers_of(webhook: Webhook, delivery: Delivery, now: datetime) -> dict[str, str]:
    """As Standard Webhooks names them."""
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "User-Agent": "Weft-Webhooks/1",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(delivery.id, timestamp, delivery.body, webhook.secrets_at(now)),
    }


@dataclass(slots=True)
class Dispatch:
    """A chore. A turn lasts while something is being sent, so that none outlives it; a slow receiver holds up nobody but itself."""

    owed: DueDeliveries
    deliver: Deliver
    clock: Clock
    poll_seconds: float = 0.5
    name: str = "webhooks"
    _sending: dict["asyncio.Task[None]", WebhookId] = field(default_factory=dict)

    async def turn(self) -> float:
        try:
            await self._take_what_is_due()
            while self._sending:
                await asyncio.wait(self._sending, timeout=self.poll_seconds, return_when=asyncio.FIRST_COMPLETED)
                self._let_go()
                await self._take_what_is_due()
        finally:
            await self._stop()
        return self.poll_seconds

    async def _take_what_is_due(self) -> None:
        now, busy = self.clock.now(), Counter(self._sending.values())
        due = await self.owed.due()
        for webhook in sorted((one for one, at in due.items() if at <= now), key=due.__getitem__):
            free = min(AT_ONCE - len(self._sending), AT_ONCE_PER_WEBHOOK - busy[webhook])
            if free > 0:
                self._send(*await self.owed.take(webhook, now, now + timedelta(seconds=HELD_SECONDS), free))

    def _send(self, webhook: Webhook | None, taken: Sequence[Delivery]) -> None:
        for delivery in taken:
            assert webhook is not None, "what is taken is somebody's"
            self._sending[asyncio.create_task(self.deliver(webhook, delivery), name=delivery.id)] = webhook.id

    def _let_go(self) -> None:
        """Of what is done. A try that could not be kept is tried again when its time is over."""
        for task in [task for task in self._sending if task.done()]:
            del self._sending[task]
            if (error := task.exception()) is not None:
                log.warning("what came of a delivery could not be kept", delivery=task.get_name(), exc_info=error)

    async def _stop(self) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        self._sending.clear()


@dataclass(frozen=True, slots=True)
class ForgetDeliveries:
    """A chore: the log keeps `KEPT_DAYS`."""

    owed: DueDeliveries
    clock: Clock
    name: str = "webhook log"

    async def turn(self) -> float:
        gone = await self.owed.forget(self.clock.now() - timedelta(days=KEPT_DAYS), BATCH)
        if gone:
            log.info("deliveries forgotten", deliveries=gone)
        return PAUSE_SECONDS if gone == BATCH else REST_SECONDS
