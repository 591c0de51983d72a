"""What the tests of registered tools share: a catalog over a store that a test holds in its hand."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.errors import DatabaseError, Problem
from domain.ids import TenantId
from domain.json import Json, JsonObject
from domain.ports.tools import ToolContext
from domain.registered import RegisteredTool, Revision
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.catalog import Catalog
from infrastructure.tools.described import Described
from infrastructure.tools.registry import InstalledTools
from infrastructure.tools.runnable import Run, RunnableTool
from tests.toolbox import guard_of
from tests.unit.infrastructure.tool_calls import HandClock, answer

ACME, OTHERS = TenantId("acme"), TenantId("others")
CALL = ToolContext(ACME, "key")
NOON = datetime(2026, 3, 1, tzinfo=UTC)


class Says:
    """Makes tools that say what their config says; `made` names them."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def make(self, config: JsonObject, tool: Tool) -> tuple[Run | None, Sequence[Problem]]:
        if problems := [Problem("/" + name, "unknown", f"nobody knows {name}") for name in config if name != "says"]:
            return None, problems
        self.made.append(tool.name)

        async def say(arguments: dict[str, Json], context: ToolContext) -> Json:
            return config["says"]

        return say, ()


def described(name: str = "weather", says: str = "rain", **more: Any) -> dict[str, Json]:
    return {"name": name, "type": "rest", "description": "What it is like.", "config": {"says": says}, **more}


@dataclass
class Shelf:
    """`looks` counts how often it was asked, `loaded` names the documents it gave. `opened`: no look ends
    before. `is_down`: so many will fail."""

    kept: dict[TenantId, dict[str, RegisteredTool]] = field(default_factory=dict)
    looks: int = 0
    loaded: list[str] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    is_down: int = 0
    changes: int = 0

    def __post_init__(self) -> None:
        self.opened.set()

    async def put(self, tool: RegisteredTool) -> bool:
        mine = self.kept.setdefault(tool.tenant, {})
        is_new = tool.name not in mine
        mine[tool.name] = tool
        return is_new

    async def put_all(self, tools: Sequence[RegisteredTool]) -> Collection[str]:
        return [tool.name for tool in tools if await self.put(tool)]

    async def of(self, tenant: TenantId, names: Sequence[str] | None = None) -> Sequence[RegisteredTool]:
        found = [one for name, one in self.kept.get(tenant, {}).items() if names is None or name in names]
        self.loaded += [one.name for one in found]
        return found

    async def stamps(self, tenant: TenantId) -> Mapping[str, datetime]:
        return {name: one.updated_at for name, one in self.kept.get(tenant, {}).items()}

    async def revision(self, tenant: TenantId) -> Revision:
        self.looks += 1
        seconds = [one.updated_at.timestamp() for one in self.kept.get(tenant, {}).values()]
        self.began.set()
        await self.opened.wait()
        if self.is_down:
            self.is_down -= 1
            raise DatabaseError("the database does not answer")
        return Revision(len(seconds), max(seconds, default=0.0), sum(seconds))

    async def remove(self, tenant: TenantId, name: str) -> None:
        del self.kept[tenant][name]

    def keep(self, document: JsonObject, tenant: TenantId = ACME) -> None:
        name = str(document["name"])
        self.changes += 1
        at = NOON + timedelta(seconds=self.changes)
        self.kept.setdefault(tenant, {})[name] = RegisteredTool(tenant, name, document, "ada", at, at)


@dataclass
class Server:
    """A source whose tools a test sets."""

    found: dict[str, CheckedTool] = field(default_factory=dict)
    tenants: tuple[TenantId, ...] = (ACME, OTHERS)

    def of(self, tenant: TenantId) -> "Server":
        return self if tenant in self.tenants else Server()

    def tools(self) -> Mapping[str, CheckedTool]:
        return self.found

    def why_not(self, name: str) -> str:
        return ""

    async def look(self) -> None:
        await guard_of(HandClock()).clock.sleep(0)


def one_that_says(name: str, said: str) -> CheckedTool:
    async def say(arguments: dict[str, Json], context: ToolContext) -> Json:
        return said

    return CheckedTool.of(RunnableTool(Tool(name, ToolType.MCP, {"type": "object"}, ToolMetadata("Says.")), say), JsonSchemas())


@dataclass
class World:
    shelf: Shelf = field(default_factory=Shelf)
    server: Server = field(default_factory=Server)
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.says = Says()
        installed, described = InstalledTools(JsonSchemas(), self.clock), Described(JsonSchemas(), {ToolType.REST: self.says})
        self.catalog = Catalog(installed, described, self.shelf, guard_of(self.clock), [self.server])

    async def said(self, name: str, tenant: TenantId = ACME) -> Json:
        return answer(await (await self.catalog.of(tenant)).call(name, {}, CALL))
