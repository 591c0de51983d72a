"""The REST interface, put together around a desk."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from application.desk import Desk
from application.errors import WeftError
from application.migrate_orders import MigrateOrder
from application.run_orders import RunOrder
from application.run_views import EventsPageView
from application.runs import CancelOrder
from application.threads import ThreadOrder
from application.tracing import UNTRACED, Traces
from interface.mcp import http as mcp
from interface.rest import (
    audit,
    branches,
    budgets,
    controls,
    docs,
    edits,
    events,
    health,
    history,
    interactions,
    items,
    models,
    openapi,
    past,
    problems,
    prompts,
    runs,
    schedules,
    sessions,
    sockets,
    templates,
    threads,
    tool_servers,
    tools,
    usage,
    webhooks,
    workers,
    workflows,
)
from interface.rest.guards import LocalOnly, RequestContext
from interface.rest.noted import Noted
from interface.rest.parameters import OnlyKnownParameters
from interface.rest.traced import Traced

_BODIES: tuple[type[BaseModel], ...] = (
    CancelOrder,
    MigrateOrder,
    RunOrder,
    ThreadOrder,
    EventsPageView,
    *workflows.BODIES,
    *templates.BODIES,
    *prompts.BODIES,
    *controls.BODIES,
    *edits.BODIES,
    *branches.BODIES,
    *schedules.BODIES,
    *sessions.BODIES,
    *items.BODIES,
    *tool_servers.BODIES,
    *tools.BODIES,
    *webhooks.BODIES,
    *budgets.BODIES,
)
# The first request to each makes FastAPI work out the routes of all before it: whether the service is ready is asked first.
_ROUTED = (
    health,
    usage,  # before workflows: `/{name}/statistics` is no version
    workflows,
    templates,
    prompts,
    runs,
    controls,
    schedules,
    webhooks,
    budgets,
    sessions,
    interactions,
    items,
    threads,
    events,
    past,
    edits,
    branches,
    tool_servers,
    tools,
    models,
    workers,
    audit,
    history,
)
_ABOUT = "Workflows of LLM and tool nodes as durable graphs. Errors are application/problem+json; lists take `limit` and `cursor`."


@dataclass(frozen=True, slots=True)
class RestSettings:
    """`beat_seconds`: after so long without an event a stream shows that it is alive. `patience_seconds`: for so long a reader that asked
    to be let go when it is slow may leave lying what was sent. `mcp_seconds`: so long a call over MCP waits for its run."""

    version: str = "0.1.0"
    max_body_bytes: int = 10 * 1024 * 1024
    mcp_seconds: float = 50.0
    beat_seconds: float = 15.0
    patience_seconds: float = 10.0


Render: TypeAlias = Callable[[], tuple[bytes, str]]
"""The text for Prometheus, and its content type."""


def create_app(desk: Desk, settings: RestSettings, render_metrics: Render, stopping: asyncio.Event, traces: Traces = UNTRACED) -> FastAPI:
    """`stopping`: set it when the server begins to stop: open streams end then.

    The desk decides whether keys are needed; without them only requests from this machine are answered."""
    app = FastAPI(
        title="Weft",
        version=settings.version,
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=_middleware(desk, traces),
        exception_handlers={
            WeftError: problems.of_weft_error,
            HTTPException: problems.of_http_exception,
            RequestValidationError: problems.of_parameters,
        },
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.desk = desk
    app.state.settings = settings
    app.state.render_metrics = render_metrics
    app.state.stopping = stopping
    for module in _ROUTED:
        app.include_router(module.router, dependencies=[OnlyKnownParameters])
    sockets.add_to(app)
    mcp.add_to(app.router)
    _describe(app)
    return app


def _middleware(desk: Desk, traces: Traces) -> list[Middleware]:
    """The outermost first."""
    inner = [Middleware(LocalOnly)] if desk.authenticate.keyless else []
    return [Middleware(Traced, traces=traces), Middleware(RequestContext), Middleware(Noted), *inner]


def _describe(app: FastAPI) -> None:
    def document() -> openapi.OpenApi:
        return openapi.published(app, _BODIES, keyless=app.state.desk.authenticate.keyless)

    async def as_json(request: Request) -> JSONResponse:
        return JSONResponse(document())

    async def as_page(request: Request) -> HTMLResponse:
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(docs.page(document()), headers=policy)

    app.openapi = document  # type: ignore[method-assign]
    app.add_route("/openapi.json", as_json, include_in_schema=False)
    app.add_route("/docs", as_page, include_in_schema=False)
