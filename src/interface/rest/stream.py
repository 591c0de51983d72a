"""Server-sent events: a run's rows as they become durable."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Iterator
from contextlib import aclosing
from time import monotonic
from typing import Final, cast

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from application.batches import Batch, Passing, Recorded
from application.errors import WeftError
from application.row_json import passing_json, row_json
from application.run_views import EndView
from interface.rest.cuts import FOREVER, Cut, Patience

log = structlog.get_logger(__name__)

MEDIA_TYPE = "text/event-stream"
NAMES = {"text": "chunk"}
FLUSH_BYTES: Final = 64 * 1024
"""Events are sent together up to about so many."""


class EventStream(Response):
    """Sends until the batches end, the client goes, or `stopping` is set; whichever comes first, the batches are closed.

    A stream that was cut has no `event: end`: the client comes back with its last id. Where there is something to say about it, it is
    `event: error`, with `code` and `detail` as a problem has them."""

    media_type = MEDIA_TYPE

    def __init__(self, batches: AsyncIterator[Batch], beat_seconds: float, stopping: asyncio.Event, patience: Patience = FOREVER) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._batches = cast("AsyncGenerator[Batch]", batches)
        self._beat_seconds = beat_seconds
        self._stopping = stopping
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        writing = asyncio.create_task(self._write(send, scope["path"]))
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

    async def _write(self, send: Send, path: str) -> None:
        try:
            await self._write_batches(send)
        except WeftError as error:
            cut = Cut.of(error, path)
            await _sent(send, f"event: error\ndata: {cut.json()}\n\n".encode())

    async def _write_batches(self, send: Send) -> None:
        async with aclosing(self._batches) as batches:
            await _sent(send, b"retry: 1000\n\n")
            written = monotonic()
            async for batch in batches:
                if not batch and monotonic() - written < self._beat_seconds:
                    continue
                for body in flushes(batch) if batch else (b": still here\n\n",):
                    await self._patience.wait_for(_sent(send, body))
                written = monotonic()


def flushes(batch: Batch) -> Iterable[bytes]:
    """The events of a batch, many at a time."""
    return (encoded(batch[0]),) if len(batch) == 1 else _flushes(batch)


def _flushes(batch: Batch) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for item in batch:
        waiting.append(encoded(item))
        size += len(waiting[-1])
        if size >= FLUSH_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _sent(send: Send, body: bytes) -> Awaitable[None]:
    return send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def encoded(item: Recorded | Passing | EndView) -> bytes:
    """Only rows have an id: it is what a client resumes from."""
    match item:
        case Recorded():
            return b"id: %d\nevent: %b\ndata: %b\n\n" % (item.position, item.kind.encode(), row_json(item))
        case Passing():
            return b"event: %b\ndata: %b\n\n" % (NAMES.get(item.kind, item.kind).encode(), passing_json(item))
        case EndView():
            return f"event: end\ndata: {item.model_dump_json()}\n\n".encode()
