"""The server of the Model Context Protocol as one caller sees it. Made for each connection, or for each request of one without a session;
everything it knows is asked of the desk."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import INVALID_PARAMS, CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError as Misfit

from application.access import Principal
from application.desk import Desk
from application.errors import ValidationError, WeftError
from interface.mcp.calls import Call, Calls
from interface.mcp.http import call_name
from interface.mcp.naming import ANSWER_RUN, GET_RUN, START_RUN
from interface.mcp.offers import Offers
from interface.mcp.watching import Progress, Watch

_ABOUT: Final = f"""Workflows and tools of Weft.
Each workflow is a tool named run_NAME: calling it starts a run and waits for it. What takes longer is answered with a run_id, and
{GET_RUN} waits for it. A run that needs a person says so; put its question before the user and give the answer with {ANSWER_RUN}.
{START_RUN} starts a run without waiting."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """How this caller is spoken to. `session`: what the client calls its session, "" where it has none. `is_alone`: one connection, whose
    end is the caller's."""

    version: str
    seconds: float
    stopping: asyncio.Event
    session: str = ""
    is_alone: bool = False

    def call_named(self, request_id: object) -> str:
        """As `Call.name`."""
        return call_name(self.session, request_id) if self.session else ""


def server_for(desk: Desk, who: Principal, speaking: Speaking) -> Server[Any]:
    calls = Calls(desk, who, Watch(desk, who, speaking.stopping), speaking.seconds)

    async def list_tools(context: ServerRequestContext[Any], params: PaginatedRequestParams | None) -> ListToolsResult:
        try:
            tools, cursor = await Offers(desk, who).page(params.cursor if params else None)
        except (ValidationError, Misfit) as error:
            raise MCPError(INVALID_PARAMS, "the cursor is not one of ours: use `nextCursor` of the page before") from error
        except WeftError as error:
            raise MCPError(INVALID_PARAMS, f"{error.code}: {error.message}") from error
        return ListToolsResult(tools=tools, next_cursor=cursor)

    async def call_tool(context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        return await calls(params.name, params.arguments or {}, _call(context, speaking))

    return Server(
        "weft",
        title="Weft",
        version=speaking.version,
        instructions=_ABOUT,
        get_tool_input_schema=lambda name: None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _call(context: ServerRequestContext[Any], speaking: Speaking) -> Call:
    meta: Mapping[str, Any] = context.meta or {}
    key = meta.get("idempotency_key")
    is_modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    return Call(
        name=speaking.call_named(context.request_id),
        key=None if key is None else str(key),
        dies_with_caller=speaking.is_alone or is_modern,
        progress=_progress(context) if meta.get("progress_token", meta.get("progressToken")) is not None else None,
    )


def _progress(context: ServerRequestContext[Any]) -> Progress:
    async def tell(done: float, message: str) -> None:
        await context.session.report_progress(done, None, message)

    return tell
