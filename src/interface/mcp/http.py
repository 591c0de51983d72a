"""`/mcp`: the protocol over streamable HTTP, one POST at a time. Nothing is remembered between two, so any process may answer the next.

The libraries of the protocol take a second to import: the first request waits for that, in a thread, and nobody else does.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from importlib import import_module
from types import ModuleType
from typing import Any, Final
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from application.access import Principal
from application.desk import Desk
from application.errors import NotFound
from application.noting import Called
from application.offering import run_of_call
from application.runs import CancelOrder
from interface.rest import problems
from interface.rest.auth import caller_of
from interface.rest.bodies import read_within

PATH: Final = "/mcp"
MOST_OPEN: Final = 1_000
MOST_OF_ONE: Final = 200
"""Requests of one key that are open at the same time."""
_SESSION: Final = "mcp-session-id"
_SESSION_ID: Final = re.compile(r"[!-~]{1,64}")
_CANCELLED: Final = "notifications/cancelled"


def add_to(router: Router) -> None:
    router.routes.append(Route(PATH, McpDoor(), include_in_schema=False))


class McpDoor:
    """An ASGI app. What is refused before the protocol begins is a problem, as everywhere."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._loading = asyncio.Lock()
        self._protocol: ModuleType | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method != "POST":
            detail = "POST messages of the Model Context Protocol here; there are no streams to open and no sessions to end"
            await problems.answer(request, 405, "method_not_allowed", detail, headers={"Allow": "POST"})(scope, receive, send)
            return
        desk: Desk = request.app.state.desk
        who, caller = await caller_of(desk, request)
        with self._counted(caller) as has_room:
            if not has_room:
                detail = "too many calls are open: come back when one of them has ended"
                await problems.answer(request, 503, "too_many_calls", detail, headers={"Retry-After": "1"})(scope, receive, send)
                return
            body = await read_within(request, request.app.state.settings.max_body_bytes)
            await self._answer(request, desk, who, body, send)

    @contextmanager
    def _counted(self, caller: str) -> Iterator[bool]:
        if self._open.total() >= MOST_OPEN or self._open[caller] >= MOST_OF_ONE:
            yield False
            return
        self._open[caller] += 1
        try:
            yield True
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]

    async def _answer(self, request: Request, desk: Desk, who: Principal, body: bytes, send: Send) -> None:
        message, session = _read(body), _session_of(request)
        if session and message.get("method") == _CANCELLED and "id" not in message:
            await _cancel(desk, who, session, message)
            await _Accepted()(send)
            return
        fresh = uuid4().hex if message.get("method") == "initialize" else ""
        protocol = await self._loaded()
        receive = _said_again(body, request.receive)
        await protocol.exchange(desk, who, request, session, receive, _with_session(send, fresh) if fresh else send)

    async def _loaded(self) -> Any:
        async with self._loading:
            if self._protocol is None:
                self._protocol = await asyncio.to_thread(import_module, "interface.mcp.exchange")
        return self._protocol


def _read(body: bytes) -> dict[str, object]:
    """A message, as far as it can be read; what is wrong with it is for the protocol to say."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _session_of(request: Request) -> str:
    session = request.headers.get(_SESSION, "")
    return session if _SESSION_ID.fullmatch(session) else ""


async def _cancel(desk: Desk, who: Principal, session: str, message: dict[str, object]) -> None:
    """A call is known by its session and the id of its request, so that whichever process hears of it can cancel its run. There may be
    none: the call was no run, or has joined one of an earlier call."""
    params = message.get("params")
    request_id = params.get("requestId") if isinstance(params, dict) else None
    run = run_of_call(who, call_name(session, request_id))
    with suppress(NotFound):
        await desk.cancel_run(who, run, CancelOrder(reason="the call was cancelled by its caller"))
        desk.note_request.call(who, Called(_CANCELLED, run))


def call_name(session: str, request_id: object) -> str:
    """The number 1 and the text "1" are two ids."""
    return f"{session} {request_id!r}"


class _Accepted:
    async def __call__(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": HTTPStatus.ACCEPTED, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def _said_again(body: bytes, receive: Receive) -> Receive:
    """The body once more, and then whatever comes behind it."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


def _with_session(send: Send, session: str) -> Send:
    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[_SESSION] = session
        await send(message)

    return named
