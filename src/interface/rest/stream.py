"""Server-sent events: a run's rows as they become durable."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from time import monotonic
from typing import cast

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from application.following import StreamItem
from application.run_views import EndView, EventView, PassingView

log = structlog.get_logger(__name__)

MEDIA_TYPE = "text/event-stream"
NAMES = {"text": "chunk"}


class EventStream(Response):
    """Sends until the items end, the client goes, or `stopping` is set; whichever comes first, the items are closed.

    A stream that was cut has no `event: end`: the client comes back with its last id."""

    media_type = MEDIA_TYPE

    def __init__(self, items: AsyncIterator[StreamItem], beat_seconds: float, stopping: asyncio.Event) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._items = cast("AsyncGenerator[StreamItem]", items)
        self._beat_seconds = beat_seconds
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        writing = asyncio.create_task(self._write(send))
        enough = {writing, asyncio.create_task(_gone(receive)), asyncio.create_task(self._stopping.wait())}
        try:
            await asyncio.wait(enough, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in enough:
                task.cancel()
            await asyncio.gather(*enough, return_exceptions=True)
        if not writing.cancelled() and (error := writing.exception()):
            log.error("stream cut", path=scope["path"], exc_info=error)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send) -> None:
        async with aclosing(self._items) as items:
            await _send(send, b"retry: 1000\n\n")
            written = monotonic()
            async for item in items:
                if item is None and monotonic() - written < self._beat_seconds:
                    continue
                await _send(send, b": still here\n\n" if item is None else encoded(item))
                written = monotonic()


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def encoded(item: EventView | PassingView | EndView) -> bytes:
    """Only rows have an id: it is what a client resumes from."""
    data = item.model_dump_json()
    match item:
        case EventView():
            return f"id: {item.position}\nevent: {item.type}\ndata: {data}\n\n".encode()
        case PassingView():
            return f"event: {NAMES.get(item.kind, item.kind)}\ndata: {data}\n\n".encode()
        case EndView():
            return f"event: end\ndata: {data}\n\n".encode()
