"""What a tenant can call: what is installed, what servers offer, what it has registered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import FactoryError, Problem, ToolNotFound, ValidationError
from domain.ids import TenantId
from domain.json import Json, JsonObject
from domain.ports.tools import ToolContext
from domain.registered import RegisteredTool
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.catalog import LOOKED_SECONDS, Catalog
from infrastructure.tools.described import Described
from infrastructure.tools.registry import InstalledTools
from infrastructure.tools.runnable import Run, RunnableTool
from tests.toolbox import guard_of
from tests.unit.infrastructure.tool_calls import HandClock, answer, refusal

ACME, OTHERS = TenantId("acme"), TenantId("others")
CALL = ToolContext(ACME, "key")
NOON = datetime(2026, 3, 1, tzinfo=UTC)


class Says:
    """Makes tools that say what their config says."""

    def problems(self, config: JsonObject, tool: Tool) -> Sequence[Problem]:
        return [Problem("/" + name, "unknown", f"nobody knows {name}") for name in config if name != "says"]

    def make(self, config: JsonObject, tool: Tool) -> Run:
        async def say(arguments: dict[str, Json], context: ToolContext) -> Json:
            return config["says"]

        return say


def described(name: str = "weather", says: str = "rain", **more: Any) -> dict[str, Json]:
    return {"name": name, "type": "rest", "description": "What it is like.", "config": {"says": says}, **more}


@dataclass
class Shelf:
    """`looks` counts how often it was asked."""

    kept: dict[TenantId, dict[str, RegisteredTool]] = field(default_factory=dict)
    looks: int = 0

    async def put(self, tool: RegisteredTool) -> bool:
        self.kept.setdefault(tool.tenant, {})[tool.name] = tool
        return True

    async def of(self, tenant: TenantId) -> Sequence[RegisteredTool]:
        self.looks += 1
        return list(self.kept.get(tenant, {}).values())

    async def remove(self, tenant: TenantId, name: str) -> None:
        del self.kept[tenant][name]

    def keep(self, document: JsonObject, tenant: TenantId = ACME) -> None:
        name = str(document["name"])
        self.kept.setdefault(tenant, {})[name] = RegisteredTool(tenant, name, document, "ada", NOON, NOON)


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
        makers = {ToolType.REST: Says()}
        installed = InstalledTools(JsonSchemas(), self.clock)
        self.catalog = Catalog(installed, Described(JsonSchemas(), makers), self.shelf, guard_of(self.clock), [self.server])

    async def said(self, name: str, tenant: TenantId = ACME) -> Json:
        return answer(await (await self.catalog.of(tenant)).call(name, {}, CALL))


async def test_a_tenant_can_call_what_it_registered_and_nobody_else_can() -> None:
    world = World()
    world.shelf.keep(described())

    assert await world.said("weather") == "rain"
    with pytest.raises(ToolNotFound, match="there is no tool weather; there are calculator, "):
        await world.said("weather", OTHERS)


async def test_tools_of_all_origins_are_listed_by_name() -> None:
    world = World()
    world.shelf.keep(described("alpha"))
    world.server.found["midway__say"] = one_that_says("midway__say", "hello")
    names = [tool.name for tool in (await world.catalog.of(ACME)).list()]

    assert names == ["alpha", "calculator", "datetime", "json_query", "midway__say", "sleep", "text_search"]
    assert await world.said("midway__say") == "hello"


async def test_a_name_of_the_installation_comes_before_a_servers_and_that_before_a_registered_one() -> None:
    world = World()
    for name in ("calculator", "one"):
        world.shelf.keep(described(name, "registered"))
        world.server.found[name] = one_that_says(name, "served")
    tools = await world.catalog.of(ACME)

    assert (tools.get("calculator").tool_type, tools.get("one").tool_type) == (ToolType.BUILTIN, ToolType.MCP)
    assert [tool.tool_type for tool in tools.list() if tool.name in ("calculator", "one")] == [ToolType.BUILTIN, ToolType.MCP]


async def test_what_is_registered_is_looked_up_at_most_once_a_second_and_after_a_change() -> None:
    world = World()
    for _ in range(3):
        await world.catalog.of(ACME)
    assert world.shelf.looks == 1

    world.shelf.keep(described())
    world.catalog.forget(ACME)
    assert await world.said("weather") == "rain"

    world.shelf.keep(described(says="sun"))
    assert await world.said("weather") == "rain"
    world.clock.passed += LOOKED_SECONDS + 0.1
    assert await world.said("weather") == "sun"


async def test_a_registered_tool_that_no_version_here_takes_costs_itself_only_and_says_why() -> None:
    world = World()
    world.shelf.keep(described("old", config={"sings": "rain"}))
    world.shelf.keep(described())
    tools = await world.catalog.of(ACME)

    assert await world.said("weather") == "rain"
    with pytest.raises(ToolNotFound, match="nobody knows sings"):
        tools.get("old")


async def test_a_call_that_its_schema_refuses_is_not_made() -> None:
    world = World()
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    world.shelf.keep(described(parameters=parameters))

    assert refusal(await (await world.catalog.of(ACME)).call("weather", {"city": 3}, CALL)) == "invalid_arguments"


@pytest.mark.parametrize(
    ("wrong", "pointers"),
    [
        pytest.param({"name": "no name"}, ["/name"], id="a name that no model takes"),
        pytest.param({"name": "calculator"}, ["/name"], id="a name of the installation"),
        pytest.param({"nmae": "x"}, ["/nmae"], id="an unknown key"),
        pytest.param({"parameters": {"type": "strnig"}}, ["/parameters/type", "/parameters/type"], id="no JSON Schema"),
        pytest.param({"parameters": {"type": "array"}}, ["/parameters/type"], id="arguments without names"),
        pytest.param({"returns": {"$ref": "#/nowhere"}}, ["/returns"], id="a schema that leads nowhere"),
        pytest.param({"config": {"sings": 1, "says": 2, "jumps": 3}}, ["/config/sings", "/config/jumps"], id="what its type refuses"),
        pytest.param({"effects": "sometimes", "limits": {"concurrency": 0}}, ["/effects", "/limits/concurrency"], id="all at once"),
        pytest.param({"cost_usd": "-1"}, ["/cost_usd"], id="a cost below nothing"),
        pytest.param(
            {"parameters": {"type": "object", "required": ["x"]}, "examples": [{"arguments": {}}]},
            ["/examples/0/arguments"],
            id="an example that would be refused",
        ),
    ],
)
def test_everything_wrong_with_a_document_is_told_with_its_place(wrong: dict[str, Json], pointers: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        World().catalog.check({**described(), **wrong})

    assert [problem.pointer for problem in refused.value.problems] == pointers


def test_a_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(ValidationError):
        World().catalog.check([1])


def test_a_tool_is_what_its_document_says() -> None:
    limits: Json = {"concurrency": 2, "calls_per_minute": 30, "seconds": 5, "output_bytes": 1000}
    document = described(effects="idempotent", tags=["sky"], author="ada", version="2.1.0", limits=limits, cost_usd="0.002")
    tool = World().catalog.check(document)

    assert (tool.id, tool.effects, tool.metadata.tags, tool.metadata.version) == ("rest/weather", Effects.IDEMPOTENT, ("sky",), "2.1.0")
    assert (tool.limits.concurrency, tool.limits.calls_per_minute, tool.limits.seconds, tool.limits.output_bytes) == (2, 30, 5, 1000)
    assert str(tool.cost.amount if tool.cost else "") == "0.002"


def test_what_touches_the_world_is_called_once_unless_its_document_says_otherwise() -> None:
    assert World().catalog.check(described()).effects is Effects.ONCE


def test_a_type_that_nothing_makes_is_said_to_be_so() -> None:
    with pytest.raises(FactoryError, match="rest"):
        Described(JsonSchemas(), {}).checked(described())


async def test_a_tool_of_a_server_is_there_for_the_tenants_that_may_use_it_and_for_nobody_else() -> None:
    world = World()
    world.server.tenants = (ACME,)
    world.server.found["midway__say"] = one_that_says("midway__say", "hello")

    assert await world.said("midway__say") == "hello"
    assert "midway__say" not in [tool.name for tool in (await world.catalog.of(OTHERS)).list()]
    with pytest.raises(ToolNotFound):
        await world.said("midway__say", OTHERS)
