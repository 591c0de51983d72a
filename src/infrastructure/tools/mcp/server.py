"""One server: its approved tools, whether or not it is there right now."""

import logging
from collections.abc import Mapping
from typing import Final

from domain.errors import FactoryError
from domain.ports.clock import Clock
from domain.ports.pins import ToolPins
from domain.ports.schemas import Schemas
from domain.registered import ToolPin
from domain.tool_servers import ToolServer
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.mcp.approvals import Approvals, Offered
from infrastructure.tools.mcp.calls import ServerCall
from infrastructure.tools.mcp.connection import KeptConnection
from infrastructure.tools.mcp.described import tool_of
from infrastructure.tools.mcp.naming import name_of
from infrastructure.tools.mcp.opening import Opening
from infrastructure.tools.mcp.settings import ServerPart
from infrastructure.tools.runnable import RunnableTool

LOOK_SECONDS: Final = 5.0
log = logging.getLogger(__name__)


class Server:
    def __init__(self, name: str, part: ServerPart, opening: Opening, pins: ToolPins, schemas: Schemas, clock: Clock) -> None:
        self.name, self.is_for, self._part, self._schemas = name, part.is_for, part, schemas
        self.approvals = Approvals(name, part, pins, clock)
        self.connection = KeptConnection(name, part, opening, self._hear, clock)
        self._made_of: Mapping[str, ToolPin] | None = None
        self._tools: Mapping[str, CheckedTool] = {}

    def tools(self) -> Mapping[str, CheckedTool]:
        """What was approved, in the words that were: a server that is down, or says something else by now, changes nothing of it."""
        if self._made_of is not self.approvals.pins:
            self._made_of = self.approvals.pins
            self._tools = {made.tool.name: made for pin in self.approvals.wanted() if (made := self._made(pin)) is not None}
        return self._tools

    def why_not(self, name: str) -> str:
        """Never with the reason a connection was lost: that is for the owner."""
        if not name.startswith(f"{self.name}__"):
            return ""
        waiting = next((tool for tool in self.approvals.waits() if name_of(self.name, tool) == name), None)
        if waiting is not None:
            return f"{name} waits for approval: weft tools approve {self.name} {waiting}"
        return f"there is no tool {name}, and the server {self.name} cannot be reached" if self.connection.last_error else ""

    async def look(self) -> None:
        """A server of which something is known is connected to when it is called; one that is not, now."""
        await self.approvals.refresh()
        if not self.approvals.is_known and self._part.approve == "first":
            await self.meet()

    async def meet(self) -> None:
        """Hear what it has, or that it cannot be reached, a few seconds at most."""
        self.connection.start()
        await self.connection.first_try(LOOK_SECONDS)
        await self.approvals.refresh()

    def shown(self) -> ToolServer:
        kept = self.connection
        return ToolServer(
            name=self.name,
            transport=self._part.transport,
            state=kept.state,
            since=kept.since,
            restarts=kept.restarts,
            last_error=kept.last_error,
            tools=tuple(sorted(self.tools())),
            waiting=self.approvals.waiting(),
            gone=self.approvals.gone(),
        )

    async def _hear(self, offered: Offered) -> None:
        await self.approvals.hear(offered)
        waiting = self.approvals.waits()
        if waiting:
            log.warning(
                "mcp server %s: %d tools wait for approval: weft tools servers shows them; %s",
                self.name,
                len(waiting),
                ", ".join(name_of(self.name, tool) for tool in waiting[:10]),
            )

    def _made(self, pin: ToolPin) -> CheckedTool | None:
        tool = tool_of(self.name, self._part, pin.document)
        call = ServerCall(self.name, pin.tool, tool, self.connection, self.approvals)
        try:
            return CheckedTool.of(RunnableTool(tool, call), self._schemas)
        except FactoryError as error:
            log.warning("mcp server %s: %s", self.name, error.message)
            return None
