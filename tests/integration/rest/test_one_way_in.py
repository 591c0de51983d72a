"""Whoever calls a tool by hand calls the same use case: REST, and so the command `weft tools call`, and the server of MCP."""

import asyncio
from typing import Any

from application.access import local_admin
from application.tools import ToolDesk
from application.views import ToolResultView
from interface.mcp.calls import Call, Calls
from interface.mcp.watching import Watch
from tests.integration.rest.service import Service, broken


class Spy:
    """The desk itself, and who asked it for what."""

    def __init__(self, desk: ToolDesk) -> None:
        self._desk = desk
        self.asked: list[str] = []

    async def call(self, who: Any, name: str, *given: Any) -> ToolResultView:
        self.asked.append(f"{who.name}: {name}")
        return await self._desk.call(who, name, *given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)


async def test_rest_and_mcp_call_tools_through_one_use_case(service: Service) -> None:
    spy = Spy(service.desk.tools)
    spied = broken(service, tools=spy)
    by_rest = await spied.call("POST", "/v1/tools/double/call", json={"arguments": {"number": 2}})
    who = local_admin("default")
    by_mcp = await Calls(spied.desk, who, Watch(spied.desk, who, asyncio.Event()), 5.0)("double", {"number": 3}, Call())

    assert (by_rest.json()["output"], by_mcp.content[0].model_dump()["text"]) == (4, "6")
    assert spy.asked == ["configured: double", "local: double"]
