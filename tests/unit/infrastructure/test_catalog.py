"""What a tenant can call: what is installed, what servers offer, what it has registered."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import DatabaseError, FactoryError, Problem, ToolNotFound, ValidationError
from domain.ids import RunId, TenantId
from domain.json import Json, JsonObject
from domain.ports.tools import ToolContext
from domain.registered import RegisteredTool, Revision
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.catalog import Catalog
from infrastructure.tools.described import Described
from infrastructure.tools.registry import InstalledTools
from infrastructure.tools.runnable import Run, RunnableTool
from infrastructure.tools.shelves import LOOKED_SECONDS, MadeTools
from tests.toolbox import guard_of
from tests.unit.infrastructure.tool_calls import HandClock, answer, refusal

ACME, OTHERS = TenantId("acme"), TenantId("others")
CALL = ToolContext(ACME, "key")
NOON = datetime(2026, 3, 1, tzinfo=UTC)


class Says:
    """Makes tools that say what their config says; `made` names them."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def problems(self, config: JsonObject, tool: Tool) -> Sequence[Problem]:
        return [Problem("/" + name, "unknown", f"nobody knows {name}") for name in config if name != "says"]

    def make(self, config: JsonObject, tool: Tool) -> Run:
        self.made.append(tool.name)

        async def say(arguments: dict[str, Json], context: ToolContext) -> Json:
            return config["says"]

        return say


def described(name: str = "weather", says: str = "rain", **more: Any) -> dict[str, Json]:
    return {"name": name, "type": "rest", "description": "What it is like.", "config": {"says": says}, **more}


@dataclass
class Shelf:
    """`looks` counts how often it was asked, `loaded` names the documents it gave. `opened`: no look ends before."""

    kept: dict[TenantId, dict[str, RegisteredTool]] = field(default_factory=dict)
    looks: int = 0
    loaded: list[str] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    is_down: bool = False
    changes: int = 0

    def __post_init__(self) -> None:
        self.opened.set()

    async def put(self, tool: RegisteredTool) -> bool:
        self.kept.setdefault(tool.tenant, {})[tool.name] = tool
        return True

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


async def test_whoever_holds_a_tenants_tools_calls_what_is_registered_now() -> None:
    world = World()
    world.shelf.keep(described())
    tools = await world.catalog.of(ACME)
    world.shelf.keep(described(says="sun"))
    world.clock.passed += LOOKED_SECONDS + 0.1

    assert answer(await tools.call("weather", {}, CALL)) == "sun"
    await world.shelf.remove(ACME, "weather")
    world.catalog.forget(ACME)
    with pytest.raises(ToolNotFound, match="there is no tool weather"):
        await tools.call("weather", {}, CALL)
    with pytest.raises(ToolNotFound):
        tools.get("weather")


async def test_whoever_holds_tools_of_a_tenant_that_was_forgotten_hears_of_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.tools.catalog.MOST_TENANTS", 1)
    world = World()
    world.shelf.keep(described())
    tools = await world.catalog.of(ACME)
    await world.catalog.of(OTHERS)
    await world.shelf.remove(ACME, "weather")
    world.catalog.forget(ACME)

    with pytest.raises(ToolNotFound):
        await tools.call("weather", {}, CALL)


async def test_what_is_not_registered_is_called_without_a_look() -> None:
    world = World()
    world.server.found["one__say"] = one_that_says("one__say", "hello")
    tools = await world.catalog.of(ACME)
    world.clock.passed += LOOKED_SECONDS + 0.1
    await tools.call("one__say", {}, CALL)

    assert world.shelf.looks == 1


async def test_a_look_that_began_before_a_change_is_not_taken_for_one_after_it() -> None:
    world = World()
    world.shelf.opened.clear()
    early = asyncio.create_task(world.catalog.of(ACME))
    await world.shelf.began.wait()
    world.shelf.keep(described())
    world.catalog.forget(ACME)
    world.shelf.opened.set()
    await early

    assert await world.said("weather") == "rain"


async def test_all_who_wait_for_the_same_look_get_one() -> None:
    world = World()
    world.shelf.keep(described())
    await asyncio.gather(*(world.catalog.of(ACME) for _ in range(20)))

    assert (world.shelf.looks, world.shelf.loaded) == (1, ["weather"])


async def test_a_look_that_is_given_up_leaves_the_next_one_to_others() -> None:
    world = World()
    world.shelf.keep(described())
    world.shelf.opened.clear()
    given_up = asyncio.create_task(world.catalog.of(ACME))
    await world.shelf.began.wait()
    waiting = asyncio.create_task(world.said("weather"))
    given_up.cancel()
    world.shelf.opened.set()

    assert await waiting == "rain"


async def test_a_tool_is_made_when_it_is_asked_for_and_only_once() -> None:
    world = World()
    for name in ("weather", "tides", "stars"):
        world.shelf.keep(described(name))
    for _ in range(2):
        await world.said("weather")
        world.catalog.forget(ACME)

    assert world.says.made == ["weather"]


async def test_only_documents_that_have_changed_are_loaded_again() -> None:
    world = World()
    for name in ("weather", "tides"):
        world.shelf.keep(described(name))
    await world.catalog.of(ACME)
    world.shelf.loaded.clear()
    world.catalog.forget(ACME)
    await world.catalog.of(ACME)
    assert world.shelf.loaded == []

    world.shelf.keep(described("tides", "high"))
    world.catalog.forget(ACME)
    assert (await world.said("tides"), world.shelf.loaded) == ("high", ["tides"])


async def test_a_change_by_a_clock_that_is_late_is_seen() -> None:
    world = World()
    for name in ("weather", "tides"):
        world.shelf.keep(described(name))
    await world.catalog.of(ACME)
    world.shelf.changes = -10
    world.shelf.keep(described(says="sun"))
    world.catalog.forget(ACME)

    assert await world.said("weather") == "sun"


async def test_all_tools_are_listed_and_the_loop_is_let_go_of_meanwhile() -> None:
    world = World()
    for number in range(20):
        world.shelf.keep(described(f"tool_{number:02}"))
    turns = 0

    async def beside() -> None:
        nonlocal turns
        while len(world.says.made) < 20:
            turns += 1
            await asyncio.sleep(0)

    world.clock.passes_by = 0.006  # at each look at the clock
    other = asyncio.create_task(beside())
    found = await world.catalog.list(ACME)
    await other

    assert [tool.name for tool in found if tool.tool_type is ToolType.REST] == [f"tool_{number:02}" for number in range(20)]
    assert turns > 5


def test_tools_that_nobody_has_asked_for_lately_are_made_again() -> None:
    world, says = World(), Says()
    made = MadeTools(Described(JsonSchemas(), {ToolType.REST: says}), most=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        world.shelf.keep(described(name)) if name not in world.shelf.kept.get(ACME, {}) else None
        made.of(world.shelf.kept[ACME][name])

    assert says.made == ["a", "b", "c", "b"]


@pytest.mark.parametrize(
    ("count", "name", "expected"),
    [
        pytest.param(0, "calcluator", "like it are called calculator$", id="what is like it, among a few"),
        pytest.param(
            3_000, "tool_100x", r"there are 3,\d\d\d others; like it are called (tool_\d+(, )?){10}$", id="ten of those like it, among many"
        ),
        pytest.param(3_000, "zzz", r"there are 3,\d\d\d others$", id="how many there are, when none is like it"),
    ],
)
async def test_an_unknown_name_is_answered_with_the_nearest_ones(count: int, name: str, expected: str) -> None:
    world = World()
    for number in range(max(count, 10)):
        world.shelf.keep(described(f"tool_{number}"))

    with pytest.raises(ToolNotFound, match=expected):
        (await world.catalog.of(ACME)).get(name)


async def test_a_run_waits_for_the_database_before_a_call_and_a_call_by_hand_is_told() -> None:
    world = World()
    world.shelf.keep(described())
    tools = await world.catalog.of(ACME)
    world.clock.passed += LOOKED_SECONDS + 0.1
    world.shelf.is_down = True
    with pytest.raises(DatabaseError):
        await tools.call("weather", {}, CALL)

    waiting = asyncio.create_task(tools.call("weather", {}, replace(CALL, run=RunId("r"))))
    while not world.clock.slept:
        await asyncio.sleep(0)
    world.shelf.is_down = False
    assert answer(await waiting) == "rain"


@pytest.mark.parametrize(
    ("took", "refused"),
    [
        pytest.param(None, None, id="for nothing"),
        pytest.param(Effects.ONCE, None, id="for more than it does"),
        pytest.param(Effects.IDEMPOTENT, None, id="for what it is"),
        pytest.param(Effects.NONE, "tool_changed", id="for less than it does"),
    ],
)
async def test_a_tool_that_does_more_than_it_was_taken_for_is_not_called(took: Effects | None, refused: str | None) -> None:
    world = World()
    world.shelf.keep(described(effects="idempotent"))
    result = await (await world.catalog.of(ACME)).call("weather", {}, replace(CALL, effects=took))

    assert (result.error and result.error.code, result.unknown) == (refused, False)
    assert result.error is None or not result.error.retryable


async def test_a_name_of_a_server_that_was_registered_all_the_same_is_not_used() -> None:
    world = World()
    world.shelf.keep(described("github__push"))

    with pytest.raises(ToolNotFound, match="github__push reads as a tool of the server github"):
        await world.said("github__push")


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
        pytest.param({"name": "github__push"}, ["/name"], id="a name of a server's tool"),
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
