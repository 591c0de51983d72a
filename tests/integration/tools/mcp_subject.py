"""Tools of a server of MCP, over its pipes."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from domain.tool import MOST_OUTPUT_BYTES, Effects, ToolType
from infrastructure.clock import SystemClock
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.catalog import TenantTools
from infrastructure.tools.mcp.settings import ServerPart
from infrastructure.tools.registry import InstalledTools
from tests.architecture.places import ROOT
from tests.integration.mcp.house import Household
from tests.integration.tools.subject import Subject, Trail
from tests.toolbox import guard_of

SERVER = ROOT / "tests/servers/mcp_contract_server.py"


@asynccontextmanager
async def opened(place: Path) -> AsyncIterator[Subject]:
    part = ServerPart(
        command=(sys.executable, "-S", str(SERVER)),
        env={"STATE": str(place), "PYTHONPATH": str(ROOT)},
        start_seconds=10,
        effects={"act": Effects.ONCE, "*": Effects.NONE},
    )
    async with AsyncExitStack() as stack:
        house, trail, clock = Household(place, stack), Trail(), SystemClock()
        servers = await house.open(hand=part)
        tools = TenantTools(InstalledTools(JsonSchemas(), clock), (servers,), {}, guard_of(clock, trail=trail))
        yield Subject(
            ToolType.MCP,
            tools,
            trail,
            house.calls,
            "tool_failed",
            prefix="hand__",
            told=str,
            most=MOST_OUTPUT_BYTES,
            is_stopped=lambda: "stopped" in house.calls(),
        )
