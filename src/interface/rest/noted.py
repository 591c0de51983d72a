"""Requests on the audit trail, in one place: every one that is no mere look, and every one that is denied."""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.noting import Asked

_CLOSED: Final = 4_000
"""A socket is closed with this and the status that says why."""


class Noted:
    """Notes a request when its answer begins: what it asked for is done by then, or refused."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        watched = _Watched(scope, send)
        try:
            await self.app(scope, receive, watched)
        finally:
            watched.note(None)


class _Watched:
    """Sends on; looks for the status."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._is_noted = False

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.note(message["status"])
        elif message["type"] == "websocket.close":
            self.note(message.get("code", 1_000) - _CLOSED)
        return self._send(message)

    def note(self, status: int | None) -> None:
        """Once. Bodies, queries and headers are not looked at. Of sockets, and of what is refused before it reaches a route, the path
        alone is known."""
        if self._is_noted:
            return
        self._is_noted = True
        scope = self._scope
        state = scope.get("state", {})
        method, route = scope.get("method", "WEBSOCKET"), getattr(scope.get("route"), "path_format", "")
        asked = Asked(method, route, scope["path"], status, state.get("request_id", ""), state.get("refusal", ""))
        scope["app"].state.desk.note_request(state.get("who"), asked)
