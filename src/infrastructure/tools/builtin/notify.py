"""`notify`: says something to whoever listens: to webhooks once, however often the call is made again, and to those who watch the run."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from domain.errors import ToolError
from domain.ids import DeliveryId, RunId
from domain.json import Json
from domain.news import RunNews
from domain.ports.clock import Clock
from domain.ports.tools import ToolContext
from domain.ports.webhooks import Deliveries, Webhooks
from domain.telling import message
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from domain.webhook import Delivery, Webhook
from infrastructure.tools.runnable import RunnableTool

MAX_DATA: Final = 64 * 1024
PAGE: Final = 100

NOTIFY: Final = Tool(
    name="notify",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Tells people and programs that listen (webhooks, whoever watches the run) about something.", tags=("people",)),
    effects=Effects.IDEMPOTENT,
    parameters={
        "type": "object",
        "properties": {
            "topic": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$", "description": "As `order.refunded`."},
            "message": {"type": "string", "minLength": 1, "maxLength": 2_000, "description": "For people."},
            "data": {"description": "For programs: any JSON of at most 64 KiB."},
        },
        "required": ["topic", "message"],
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {"webhooks": {"type": "integer", "description": "How many will be told."}},
        "required": ["webhooks"],
        "additionalProperties": False,
    },
    examples=({"arguments": {"topic": "order.refunded", "message": "Order A-1 is refunded."}, "output": {"webhooks": 0}},),
)


@dataclass(frozen=True, slots=True)
class Notify:
    webhooks: Webhooks
    deliveries: Deliveries
    clock: Clock

    async def __call__(self, arguments: Mapping[str, Any], context: ToolContext) -> Json:
        if len(orjson.dumps(arguments.get("data"))) > MAX_DATA:
            raise ToolError(f"`data` has more than {MAX_DATA:,} bytes of JSON", "invalid_arguments")
        # The same id for the same key: a delivery that is there stays as it is.
        name = DeliveryId("evt_" + sha256(f"{context.tenant}\n{context.idempotency_key}".encode()).hexdigest()[:40] + "_notified")
        now = self.clock.now()
        body = orjson.dumps(message(RunNews.NOTIFIED, now, _data(arguments, context)))
        told = 0
        async for webhook in self._listening(context):
            run = context.run or RunId("")
            await self.deliveries.add(Delivery(name, webhook.id, context.tenant, RunNews.NOTIFIED, run, now, body, due_at=now))
            told += 1
        context.tell(f"{arguments['topic']}: {arguments['message']}")
        return {"webhooks": told}

    async def _listening(self, context: ToolContext) -> AsyncIterator[Webhook]:
        cursor: str | None = None
        while True:
            page = await self.webhooks.list(context.tenant, PAGE, cursor)
            for webhook in page.items:
                if webhook.wants(RunNews.NOTIFIED, context.workflow):
                    yield webhook
            cursor = page.next_cursor
            if cursor is None:
                return


def _data(arguments: Mapping[str, Any], context: ToolContext) -> dict[str, Json]:
    """`run` is null for a call outside any."""
    run: Json = {
        "id": context.run,
        "workflow": context.workflow,
        "thread_id": context.thread,
        "activation": context.activation,
    }
    said: Json = {"topic": arguments["topic"], "message": arguments["message"], "data": arguments.get("data")}
    return {"run": None if context.run is None else run, "notification": said}


def notify(webhooks: Webhooks, deliveries: Deliveries, clock: Clock) -> RunnableTool:
    return RunnableTool(NOTIFY, Notify(webhooks, deliveries, clock))
