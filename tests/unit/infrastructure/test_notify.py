"""`notify`: webhooks that listen are told, once for each key."""

import json
from dataclasses import replace
from typing import Any

import pytest

from domain.ids import DEFAULT_TENANT, RunId, TenantId, ThreadId, WebhookId
from domain.news import TOLD, RunNews
from domain.ports.tools import ToolContext
from domain.webhook import Webhook
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.line import Line
from infrastructure.store.memory.webhooks import MemoryDeliveries, MemoryWebhooks
from infrastructure.tools.builtin.notify import notify
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import HandClock, answer, refusal

CONTEXT = ToolContext(DEFAULT_TENANT, "r/say#1/0", RunId("r"), "/say#1", workflow="triage@1.0.0", thread=ThreadId("t"))
SAID: dict[str, Any] = {"topic": "order.refunded", "message": "Done.", "data": {"order": "A-1"}}


class Listening:
    def __init__(self) -> None:
        self.book, self.clock = Book(Line()), HandClock()
        webhooks, deliveries = MemoryWebhooks(self.book), MemoryDeliveries(self.book)
        self.webhooks, self.tools = webhooks, tools_of(self.clock, [notify(webhooks, deliveries, self.clock)])

    async def add(self, name: str, tenant: TenantId = DEFAULT_TENANT, **more: Any) -> None:
        made = Webhook(WebhookId(name), tenant, self.clock.now(), "https://example.test", more.pop("events", TOLD), ("whsec_x",))
        await self.webhooks.add(replace(made, **more))

    def owed(self) -> dict[str, list[Any]]:
        return {name: list(owed.values()) for name, owed in self.book.deliveries.items()}


@pytest.fixture
def listening() -> Listening:
    return Listening()


async def test_every_webhook_that_wants_to_hear_is_told(listening: Listening) -> None:
    await listening.add("all")
    await listening.add("ours", workflow="triage")
    await listening.add("others", workflow="billing")
    await listening.add("ends", events=(RunNews.COMPLETED,))
    await listening.add("off", enabled=False)
    await listening.add("foreign", TenantId("other"))

    assert answer(await listening.tools.call("notify", SAID, CONTEXT)) == {"webhooks": 2}

    owed = listening.owed()
    assert sorted(owed) == ["all", "ours"]
    (one,) = owed["all"]
    assert json.loads(one.body) == {
        "type": "run.notified",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {
            "run": {"id": "r", "workflow": "triage@1.0.0", "thread_id": "t", "activation": "/say#1"},
            "notification": SAID,
        },
    }
    assert (one.news, one.run, one.due_at) == (RunNews.NOTIFIED, "r", listening.clock.now())


async def test_a_call_that_comes_again_tells_nobody_twice(listening: Listening) -> None:
    await listening.add("all")
    for key in ("r/say#1/0", "r/say#1/0", "r/say#2/0"):
        answer(await listening.tools.call("notify", SAID, replace(CONTEXT, idempotency_key=key)))

    assert len(listening.owed()["all"]) == 2


async def test_whoever_has_many_webhooks_tells_all_of_them(listening: Listening) -> None:
    for number in range(205):
        await listening.add(f"{number}")

    assert answer(await listening.tools.call("notify", SAID, CONTEXT)) == {"webhooks": 205}


async def test_whoever_watches_the_run_hears_it_too(listening: Listening) -> None:
    heard: list[str] = []
    answer(await listening.tools.call("notify", SAID, replace(CONTEXT, tell=heard.append)))

    assert heard == ["order.refunded: Done."]


async def test_outside_any_run_there_is_no_run_to_tell_of(listening: Listening) -> None:
    await listening.add("all")
    answer(await listening.tools.call("notify", SAID, ToolContext(DEFAULT_TENANT, "key")))

    assert json.loads(listening.owed()["all"][0].body)["data"]["run"] is None


async def test_what_is_too_long_is_refused(listening: Listening) -> None:
    assert refusal(await listening.tools.call("notify", {**SAID, "data": "x" * 65_536}, CONTEXT)) == "invalid_arguments"
    assert refusal(await listening.tools.call("notify", {**SAID, "topic": "a b"}, CONTEXT)) == "invalid_arguments"
