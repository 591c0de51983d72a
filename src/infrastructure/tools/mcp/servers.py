"""All servers of an installation: a source of tools for the catalog, and what their owner looks at."""

import asyncio
from collections.abc import Mapping, Sequence

from domain.errors import ToolServerNotFound
from domain.ids import TenantId
from domain.ports.clock import Clock
from domain.ports.pins import ToolPins
from domain.ports.schemas import Schemas
from domain.tool_servers import ToolServer
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.mcp.opening import Opening
from infrastructure.tools.mcp.server import Server
from infrastructure.tools.mcp.settings import ServerPart


class SomeServers:
    """`ToolSource`."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._some = servers
        self._shared: dict[tuple[str, ...], SomeServers] = {}
        self._merged_of: list[Mapping[str, CheckedTool]] = []
        self._merged: Mapping[str, CheckedTool] = {}

    def of(self, tenant: TenantId) -> "SomeServers":
        """Tenants that may use the same ones share what is made of them."""
        theirs = [server for server in self._some if server.is_for(tenant)]
        return self._shared.setdefault(tuple(server.name for server in theirs), SomeServers(theirs))

    def tools(self) -> Mapping[str, CheckedTool]:
        found = [server.tools() for server in self._some]
        if len(found) != len(self._merged_of) or any(a is not b for a, b in zip(found, self._merged_of, strict=True)):
            self._merged_of = found
            self._merged = {name: tool for tools in found for name, tool in tools.items()}
        return self._merged

    def why_not(self, name: str) -> str:
        return next((why for server in self._some if (why := server.why_not(name))), "")

    async def look(self) -> None:
        await asyncio.gather(*(server.look() for server in self._some))


class McpServers(SomeServers):
    """`ToolSource` and `domain.ports.tool_servers.ToolServers` of one process, which has its own connections. `close` ends them."""

    def __init__(self, parts: Mapping[str, ServerPart], opening: Opening, pins: ToolPins, schemas: Schemas, clock: Clock) -> None:
        self._servers = {name: Server(name, part, opening, pins, schemas, clock) for name, part in sorted(parts.items())}
        super().__init__(list(self._servers.values()))

    async def servers(self) -> Sequence[ToolServer]:
        await asyncio.gather(*(server.meet() for server in self._servers.values()))
        return [server.shown() for server in self._servers.values()]

    async def approve(self, server: str, digests: Mapping[str, str], by: str) -> Sequence[str]:
        found = self._find(server)
        await found.meet()
        await found.approvals.approve(digests, by)
        return sorted(digests)

    async def forget(self, server: str, tools: Sequence[str]) -> None:
        await self._find(server).approvals.forget(tools)

    async def close(self) -> None:
        await asyncio.gather(*(server.connection.close() for server in self._servers.values()))

    def _find(self, name: str) -> Server:
        if name not in self._servers:
            raise ToolServerNotFound(
                f"there is no server {name}; there are {', '.join(self._servers) or 'none'}: WEFT_MCP_SERVERS says which"
            )
        return self._servers[name]
