"""The same events over a WebSocket: one JSON object per message."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Annotated, Any, Final, TypeAlias, cast

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from application.access import Principal
from application.batches import Batch, Passing, Recorded, Slow
from application.desk import Desk
from application.errors import WeftError
from application.row_json import passing_json, row_json
from application.run_views import EndView
from interface.rest.auth import caller_of
from interface.rest.cuts import Cut, Patience
from interface.rest.stream import NAMES

PROTOCOL: Final = "weft"
_BEARER: Final = "bearer."
_ENDED, _STOPPING = 1000, 1001
_LAST_WORDS_SECONDS: Final = 1.0


class _Asked(BaseModel):
    """The query of a stream."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    chunks: bool = False
    slow: Slow = Slow.DROP_OLDEST

    @property
    def for_chunks(self) -> Slow | None:
        return self.slow if self.chunks else None


_Follow: TypeAlias = Callable[[Desk, Principal, _Asked], Awaitable[AsyncIterator[Batch]]]


def add_to(app: FastAPI) -> None:
    app.router.routes.append(WebSocketRoute("/v1/runs/{run_id}/events", _of_a_run))
    app.router.routes.append(WebSocketRoute("/v1/threads/{thread_id}/events", _of_a_thread))


async def _of_a_run(socket: WebSocket) -> None:
    run = socket.path_params["run_id"]
    await _hold(socket, lambda desk, who, asked: desk.follow_run.batches(who, run, asked.after, asked.for_chunks))


async def _of_a_thread(socket: WebSocket) -> None:
    thread = socket.path_params["thread_id"]
    await _hold(socket, lambda desk, who, asked: desk.follow_thread.batches(who, thread, asked.after, asked.for_chunks))


async def _hold(socket: WebSocket, follow: _Follow) -> None:
    """Accepts first: a browser is told nothing of a handshake that is refused, but it is told a close code."""
    await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
    try:
        code = await _until_over(socket, follow)
    except WebSocketDisconnect:
        return
    except ValidationError as error:
        code = await _refuse(socket, Cut(422, "invalid", f"a parameter does not fit: {error.errors()[0]['loc'][0]}"))
    except WeftError as error:
        code = await _refuse(socket, Cut.of(error, socket.url.path))
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):  # it may have gone meanwhile
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            await socket.close(code)


async def _until_over(socket: WebSocket, follow: _Follow) -> int:
    """Writes and listens until the items end, the client goes, or the server stops; answers the close code."""
    who, asked = await _caller(socket), _Asked.model_validate(dict(socket.query_params))
    patience = Patience.of(asked.slow, socket.app.state.settings.patience_seconds)
    batches = cast("AsyncGenerator[Batch]", await follow(socket.app.state.desk, who, asked))
    writing = asyncio.create_task(_write(socket, batches, patience))
    listening = asyncio.create_task(_listen(socket))
    enough = {writing, listening, asyncio.create_task(socket.app.state.stopping.wait())}
    try:
        await asyncio.wait(enough, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in enough:
            task.cancel()
        await asyncio.gather(*enough, return_exceptions=True)
    for task in (listening, writing):
        if not task.cancelled():
            await task  # raises what ended it
    return _STOPPING if writing.cancelled() else _ENDED


async def _caller(socket: WebSocket) -> Principal:
    """Headers as for a request; a browser, which can set none, names the protocols `weft` and `bearer.KEY`. Never in the address, since
    addresses are logged."""
    offered = next((name.removeprefix(_BEARER) for name in socket.scope["subprotocols"] if name.startswith(_BEARER)), None)
    who, _ = await caller_of(socket.app.state.desk, socket, offered)
    return who


async def _write(socket: WebSocket, batches: AsyncGenerator[Batch], patience: Patience) -> None:
    async with aclosing(batches):
        async for batch in batches:
            for item in batch:
                await patience.wait_for(socket.send_text(message(item)))


def message(item: Recorded | Passing | EndView) -> str:
    """What the `data` of a server-sent event holds; what is no row says by `type` what it is."""
    match item:
        case Recorded():
            return row_json(item).decode()
        case Passing():
            return f'{{"type":"{NAMES.get(item.kind, item.kind)}",{passing_json(item).decode()[1:]}'
        case EndView():
            return json.dumps({"type": "end", **item.model_dump(mode="json")})


async def _listen(socket: WebSocket) -> None:
    while True:
        match await _heard(socket):
            case {"type": "ping"}:
                await socket.send_json({"type": "pong"})
            case _:
                await socket.send_json({"type": "error", "code": "unknown_message", "detail": 'say {"type": "ping"}, or nothing'})


async def _heard(socket: WebSocket) -> Any:
    """The JSON of a message; None for what is none."""
    heard = await socket.receive()
    if heard["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(heard["code"])
    try:
        return json.loads(heard.get("text") or heard.get("bytes") or b"")
    except (ValueError, RecursionError):
        return None


async def _refuse(socket: WebSocket, cut: Cut) -> int:
    """The close code of a problem is 4000 and its status; the words come before it, as long as somebody takes them."""
    socket.state.refusal = cut.detail
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            await socket.send_text(cut.json(type="error"))
    return 4000 + cut.status
