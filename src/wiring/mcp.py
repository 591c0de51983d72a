"""Servers of the Model Context Protocol, as settings have them."""

from collections.abc import Sequence
from typing import cast

from domain.ports.clock import Clock
from domain.ports.schemas import Schemas
from domain.ports.secrets import Redact, Secrets
from infrastructure.store.later import Later
from infrastructure.store.store import Store
from infrastructure.tools.catalog import ToolSource
from settings import Settings
from wiring.reaching import Reach


def servers_of(reach: Reach, secrets: Secrets, settings: Settings, store: Store, redact: Redact, schemas: Schemas, clock: Clock) -> Later:
    """`McpServers`, loaded with the first question; none is connected to before somebody asks for its tools."""

    def make() -> object:
        from infrastructure.tools.mcp.opening import Opening
        from infrastructure.tools.mcp.servers import McpServers
        from infrastructure.tools.mcp.settings import servers_of as read

        opening = Opening(secrets, reach.addresses, redact)
        return McpServers(read(settings.mcp_servers), opening, store.pins, schemas, clock)

    return Later(make)


def sources_of(settings: Settings, servers: Later) -> Sequence[ToolSource]:
    """None where there are no servers: whoever looks for tools has nobody to ask."""
    return (cast("ToolSource", servers),) if settings.mcp_servers else ()


async def close_servers(servers: Later) -> None:
    if servers.is_there:
        await servers.close()
