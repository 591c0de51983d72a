"""What a request passes before it reaches a route: an id, a net for faults, and, without keys, proof that it comes from this machine."""

import re
from collections.abc import Awaitable
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interface.rest import problems

log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class RequestContext:
    """Gives each request an id (the caller's own, when it is a plain word); turns what nobody expected into a 500 without details."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("x-request-id", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._answer(scope, receive, _Marked(send, request_id))

    async def _answer(self, scope: Scope, receive: Receive, send: "_Marked") -> None:
        try:
            # No name holds these: not every store can be asked for a NUL, and routes would take a last new line for none.
            if "\0" in scope["path"] or "\n" in scope["path"]:
                await problems.answer(Request(scope), 404, "not_found", "no name holds a NUL or a new line")(scope, receive, send)
                return
            await self.app(scope, receive, send)
        except Exception:
            log.exception("request failed", path=scope["path"])
            if send.started:
                raise
            await problems.of_the_unexpected(Request(scope))(scope, receive, send)


class _Marked:
    """Sends on, with the request's id in the head of the answer."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.started = False

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            headers["X-Content-Type-Options"] = "nosniff"
        return self._send(message)


class LocalOnly:
    """Without keys the loopback address is the only wall, and a page in the user's browser stands inside it. One that had its own name
    point here (DNS rebinding) shows in `Host`, one that posts across sites shows in `Origin`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not _from_here(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 4403, "reason": "not_local"})  # before it is accepted: a 403
            return
        if scope["type"] == "http" and not _from_here(Headers(scope=scope)):
            detail = "without keys this service answers to localhost only: make a key with `weft keys create`"
            await problems.answer(Request(scope), 403, "not_local", detail)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _from_here(headers: Headers) -> bool:
    host = headers.get("host", "")
    origin = headers.get("origin", f"http://{host}")
    try:
        return urlsplit(f"//{host}").hostname in _LOCAL and urlsplit(origin).netloc == host
    except ValueError:
        return False
