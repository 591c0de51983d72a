"""One session with a server: its tools as documents, and calls. What goes wrong with the connection is `ConnectionLost`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from domain.errors import ToolError
from domain.json import Json, JsonObject
from infrastructure.tools.mcp.documents import Unusable, digest_of, document_of
from infrastructure.tools.mcp.losing import ConnectionLost, Loss
from infrastructure.tools.mcp.server_log import ServerLog
from infrastructure.tools.mcp.texts import tame

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mcp.client._transport import TransportStreams
    from mcp.client.session import ClientSession, IncomingMessage
    from mcp_types import CallToolResult, LoggingMessageNotificationParams
    from mcp_types import Tool as Offered

MOST_TOOLS: Final = 1_000
BAD_STATUS: Final = "Server returned an error response"
"""What the SDK makes of an error of HTTP."""
CLOSED: Final = ("Connection closed", "SSE stream ", BAD_STATUS, "Session terminated")
"""How the messages of the SDK begin that tell of the connection. Their code may be a server's own, too."""
REFUSALS: Final = frozenset({-32600, -32601, -32602})
"""Codes of JSON-RPC with which a server says that it did nothing: no request, no such method, wrong parameters."""
SDK_SAYS: Final = ("Unexpected content type: ", "server answered a request with 202", "Redirect to ", "Not Found")
"""How its messages begin that have such a code, and are no server's: it may have done anything before it said what cannot be read."""
Progress = Callable[[str], None]
R = TypeVar("R")


class Session:
    """`changed` is set whenever the server says that its tools are others now. `under_way`: calls without an answer."""

    def __init__(self, loss: Loss, said: ServerLog) -> None:
        self.loss, self.changed, self.under_way = loss, asyncio.Event(), 0
        self._said = said
        self._client: ClientSession

    @asynccontextmanager
    async def over(self, streams: "TransportStreams", seconds: float) -> AsyncIterator["Session"]:
        """`TimeoutError` when the server does not say who it is in time."""
        from mcp.client.session import ClientSession
        from mcp_types import Implementation

        us = Implementation(name="weft", version="1")
        self._client = ClientSession(*streams, client_info=us, message_handler=self._hear, logging_callback=self._log)
        async with self._client:
            async with asyncio.timeout(seconds):
                await self._greet()
            yield self

    async def _greet(self) -> None:
        from mcp.shared.exceptions import MCPError
        from mcp_types import UNSUPPORTED_PROTOCOL_VERSION

        try:
            await self._client.initialize()
        except MCPError as error:
            if error.code != UNSUPPORTED_PROTOCOL_VERSION:
                raise
            await self._client.discover()

    async def tools(self) -> dict[str, tuple[JsonObject, str]]:
        """Document and digest of each, by name: all pages; what cannot be kept is passed over, and said."""
        from mcp_types import PaginatedRequestParams

        found: dict[str, tuple[JsonObject, str]] = {}
        cursor: str | None = None
        for _ in range(MOST_TOOLS):
            params = PaginatedRequestParams(cursor=cursor) if cursor else None
            page = await self._asked(self._client.list_tools(params=params))
            for offered in page.tools:
                self._take(found, offered)
            cursor = page.next_cursor
            if not cursor or len(found) >= MOST_TOOLS:
                return found
        return found

    def _take(self, found: dict[str, tuple[JsonObject, str]], offered: "Offered") -> None:
        if offered.name in found or len(found) >= MOST_TOOLS:
            return
        try:
            document = document_of(offered)
            found[offered.name] = (document, digest_of(document))
        except Unusable as error:
            self._said.say(f"its tool {offered.name[:100]} cannot be used: {error}")

    async def ping(self) -> None:
        """Is it there? Whatever it answers, it is. Servers of the newest protocol know no ping, and are asked for their tools."""
        with suppress(ToolError):
            if self._client.initialize_result is not None:
                await self._asked(self._client.send_ping())
            else:
                await self.tools()

    async def call(self, tool: str, arguments: Mapping[str, Json], meta: Mapping[str, Json], tell: Progress) -> "CallToolResult":
        """`ToolError` for what the server answers in place of a result."""
        from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult

        async def progress(progress: float, total: float | None, message: str | None) -> None:
            tell(_said(progress, total, message))

        params = CallToolRequestParams(name=tool, arguments=dict(arguments), _meta=dict(meta))
        self.under_way += 1
        try:
            asking = self._client.send_request(CallToolRequest(params=params), CallToolResult, progress_callback=progress)
            return await self._asked(asking)
        finally:
            self.under_way -= 1

    async def _asked(self, asking: "Coroutine[object, object, R]") -> R:
        from mcp.shared.exceptions import MCPError

        try:
            return await asking
        except MCPError as error:
            if error.message == self.loss.forgotten:
                self.loss.tell("it has forgotten the session")
                raise ConnectionLost(self.loss.reason, refused=True) from error
            if error.message.startswith(CLOSED):
                self.loss.tell(error.message)
                raise ConnectionLost(self.loss.reason) from error
            is_known = error.code in REFUSALS and not error.message.startswith(SDK_SAYS)
            raise ToolError(tame(error.message) or f"error {error.code}", "tool_failed", unknown=not is_known) from error
        except ValueError as error:
            raise ToolError(f"it answered what is no answer of the protocol: {tame(str(error), 500)}", "invalid_output") from error

    async def _hear(self, message: "IncomingMessage") -> None:
        from mcp_types import ToolListChangedNotification

        if isinstance(message, ToolListChangedNotification):
            self.changed.set()

    async def _log(self, params: "LoggingMessageNotificationParams") -> None:
        self._said.say(f"({params.level}) {params.data}")


def _said(done: float, total: float | None, message: str | None) -> str:
    counted = f"{done:g} of {total:g}" if total else f"{done:g}"
    return f"{tame(message)} ({counted})" if message else counted
