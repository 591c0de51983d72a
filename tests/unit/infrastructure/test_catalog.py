"""What a tenant can call: what is installed, what servers offer, what it has registered."""

from dataclasses import replace

import pytest

from domain.errors import FactoryError, ToolNotFound, ValidationError
from domain.json import Json
from domain.tool import Effects, ToolType
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.described import Described
from tests.unit.infrastructure.registering import ACME, CALL, OTHERS, World, described, one_that_says
from tests.unit.infrastructure.tool_calls import refusal


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


async def test_a_tool_of_a_server_is_there_for_the_tenants_that_may_use_it_and_for_nobody_else() -> None:
    world = World()
    world.server.tenants = (ACME,)
    world.server.found["midway__say"] = one_that_says("midway__say", "hello")

    assert await world.said("midway__say") == "hello"
    assert "midway__say" not in [tool.name for tool in (await world.catalog.of(OTHERS)).list()]
    with pytest.raises(ToolNotFound):
        await world.said("midway__say", OTHERS)
