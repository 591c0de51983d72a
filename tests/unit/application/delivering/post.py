"""Receivers that a dictionary plays, and a dispatcher that works for as long as a test wants."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from application.chores import Chores
from application.delivering import Deliver, Dispatch, ForgetDeliveries
from domain.ids import DeliveryId, RunId, TenantId, WebhookId
from domain.news import TOLD, RunNews
from domain.webhook import Attempt, Delivery, Webhook, secret_of
from infrastructure.store.memory.open import open_memory
from infrastructure.store.store import Store
from tests.virtual_time import BEGINNING, VirtualClock

TENANT = TenantId("acme")
SECRET = secret_of(b"k" * 32)


@dataclass(slots=True)
class PlayedSender:
    """Takes `seconds` by URL (else no time), and answers with the first status that is left for it, then with 204."""

    clock: VirtualClock
    seconds: dict[str, float] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    sent: list[tuple[str, float, Mapping[str, str]]] = field(default_factory=list)
    inside: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        at = self.clock.now()
        self.sent.append((url, self.clock.monotonic(), headers))
        for name in (url, "all"):
            self.inside[name] += 1
            self.most[name] = max(self.most[name], self.inside[name])
        await self.clock.sleep(self.seconds.get(url, 0.0))
        for name in (url, "all"):
            self.inside[name] -= 1
        statuses = self.statuses.get(url, [])
        return Attempt(at, 0.1, statuses.pop(0) if statuses else 204)

    def times(self, url: str) -> list[float]:
        return [at for sent, at, _ in self.sent if sent == url]


@dataclass(slots=True)
class Post:
    store: Store
    sender: PlayedSender
    clock: VirtualClock
    dispatch: Dispatch
    forget: ForgetDeliveries

    async def webhook(self, url: str) -> Webhook:
        made = Webhook(WebhookId(url), TENANT, BEGINNING, url, TOLD, (SECRET,))
        await self.store.webhooks.add(made)
        return made

    async def owe(self, webhook: Webhook, count: int = 1, first: int = 0) -> list[Delivery]:
        now = self.clock.now()
        made = [
            Delivery(DeliveryId(f"evt_{number}"), webhook.id, TENANT, RunNews.COMPLETED, RunId(f"{number}"), now, b"{}", due_at=now)
            for number in range(first, first + count)
        ]
        for delivery in made:
            await self.store.deliveries.add(delivery)
        return made

    async def found(self, webhook: Webhook) -> Webhook:
        return await self.store.webhooks.get(TENANT, webhook.id)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.create_task(Chores([self.dispatch, self.forget], self.clock).run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def open_post(poll_seconds: float = 0.5) -> AsyncIterator[Post]:
    """`poll_seconds`: long where days are to pass."""
    clock = VirtualClock()
    sender = PlayedSender(clock)
    async with open_memory(clock=clock) as store:
        deliver = Deliver(store.webhooks, store.deliveries, store.runs, sender, clock, lambda: 0.0)
        yield Post(store, sender, clock, Dispatch(store.owed, deliver, clock, poll_seconds), ForgetDeliveries(store.owed, clock))
