"""Servers of MCP as processes, and the tools they offer as a process of ours has them."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from domain.errors import SecretRefused
from domain.ids import DEFAULT_TENANT, TenantId
from domain.json import Json
from domain.ports.pins import ToolPins
from domain.ports.tools import ToolContext
from domain.tool import ToolExecutionResult
from domain.tool_servers import ToolServer
from infrastructure.clock import SystemClock
from infrastructure.outgoing.addresses import Addresses
from infrastructure.schemas import JsonSchemas
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.tools import MemoryPins
from infrastructure.tools.mcp.opening import Opening
from infrastructure.tools.mcp.servers import McpServers
from infrastructure.tools.mcp.settings import ServerPart
from tests.architecture.places import ROOT

SERVER = ROOT / "tests/servers/mcp_server.py"
SECRETS = {"token": "s3cret-value"}
CONTEXT = ToolContext(DEFAULT_TENANT, "run/ask#1/0", deadline_seconds=20)


class FewSecrets:
    def must_be_for(self, name: str, tenant: TenantId, origin: str) -> None:
        if name not in SECRETS:
            raise SecretRefused(f"there is no secret {name} for {origin}")

    async def get(self, name: str, tenant: TenantId, origin: str) -> str:
        self.must_be_for(name, tenant, origin)
        return SECRETS[name]


@dataclass
class Household:
    """What a test has of servers: `add` those it needs, `call` their tools. `pins` outlive `restarted` processes of ours."""

    folder: Path
    stack: AsyncExitStack
    pins: ToolPins = field(default_factory=lambda: MemoryPins(Book(None)))  # type: ignore[arg-type]
    parts: dict[str, ServerPart] = field(default_factory=dict)
    addresses: Addresses = field(default_factory=Addresses)
    servers: McpServers = field(init=False)

    def made(self, **parts: ServerPart) -> McpServers:
        """Nobody has looked at them yet."""
        self.parts |= parts
        opening = Opening(FewSecrets(), self.addresses, lambda text: text.replace(SECRETS["token"], "(secret)"))
        self.servers = McpServers(self.parts, opening, self.pins, JsonSchemas(), SystemClock())
        self.stack.push_async_callback(self.servers.close)
        return self.servers

    async def open(self, **parts: ServerPart) -> McpServers:
        await self.made(**parts).look()
        return self.servers

    def by_hand(self, *ways: str, **told: Any) -> ServerPart:
        command = (sys.executable, "-S", "-E", str(SERVER), *ways)
        return ServerPart(command=command, **{"env": {"STATE": str(self.folder)}, "start_seconds": 10, **told})

    async def call(self, name: str, context: ToolContext = CONTEXT, **arguments: Json) -> ToolExecutionResult:
        return await self.servers.tools()[name].call(arguments, context, SystemClock())

    async def health(self, name: str = "hand") -> ToolServer:
        return next(one for one in await self.servers.servers() if one.name == name)

    def offer(self, *tools: Mapping[str, Any]) -> None:
        """From now on the server by hand has these."""
        (self.folder / "tools.json").write_text(json.dumps(tools))

    def calls(self) -> list[str]:
        noted = self.folder / "calls"
        return noted.read_text().splitlines() if noted.exists() else []

    def pids(self) -> list[int]:
        return [int(line) for line in (self.folder / "pids").read_text().split()]


def within(seconds: float) -> ToolContext:
    return replace(CONTEXT, deadline_seconds=seconds)


async def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """AssertionError when it never does."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, f"not within {seconds:g} s"
        await asyncio.sleep(0.005)


def refusal(result: ToolExecutionResult) -> str:
    assert result.error is not None, f"it answered {str(result.output)[:200]}"
    return result.error.code


def answer(result: ToolExecutionResult) -> Json:
    assert result.error is None, result.error
    return result.output
