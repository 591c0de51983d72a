"""Servers whose tools are called here: how they are, and which of their descriptions are approved."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.tool_servers import ToolServer


class ToolServers(Protocol):
    async def servers(self) -> Sequence[ToolServer]:
        """By name, as this process sees them; those that nobody has asked for yet are connected to first, a few seconds at most."""

    async def approve(self, server: str, digests: Mapping[str, str], by: str) -> Sequence[str]:
        """From now on these tools may be called as they are described. `ToolServerNotFound`; `Stale` when one of them has another digest
        by now, and then none is approved."""

    async def forget(self, server: str, tools: Sequence[str]) -> None:
        """They may not be called any more until they are approved again; a server of which nothing is left stays one that was
        seen. `ToolServerNotFound`."""
