"""Requests as spans: what a caller's `traceparent` began goes on here, and in whatever the request starts."""

import secrets
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.tracing import HERE, Span, SpanKind, TraceContext, Traces, read_traceparent

_FAULT = 500
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True)
class Traced:
    """Without anybody who wants spans, the caller's own is handed on."""

    app: ASGIApp
    traces: Traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _asked(scope) if scope["type"] == "http" else None
        if scope["type"] != "http" or scope["path"] in _PROBES or (asked is None and not self.traces.is_on):
            await self.app(scope, receive, send)
            return
        here = _begun(asked) if asked is None or self.traces.is_on else asked
        answered = _Answered(send)
        before, began = HERE.set(here), time.time()
        try:
            await self.app(scope, receive, answered)
        finally:
            HERE.reset(before)
            if self.traces.is_on:
                self.traces.add(_span(scope, here, asked, began, answered.status))


def _asked(scope: Scope) -> TraceContext | None:
    found = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
    return read_traceparent(found.decode("latin-1"))


def _begun(asked: TraceContext | None) -> TraceContext:
    trace, sampled = (secrets.token_hex(16), True) if asked is None else (asked.trace, asked.sampled)
    return TraceContext(trace, secrets.token_hex(8), sampled)


@dataclass(slots=True)
class _Answered:
    send: Send
    status: int = _FAULT

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self.send(message)


def _span(scope: Scope, here: TraceContext, asked: TraceContext | None, began: float, status: int) -> Span:
    """By its route: a path may hold what is somebody's."""
    route = getattr(scope.get("route"), "path_format", "")
    about = {"http.request.method": scope["method"], "http.response.status_code": status}
    if route:
        about["http.route"] = route
    error, parent = str(status) if status >= _FAULT else "", "" if asked is None else asked.span
    return Span(f"{scope['method']} {route}".rstrip(), here, parent, began, time.time(), SpanKind.SERVER, about, error)
