"""One call of a tool: checked both ways, timed, and whatever goes wrong is an answer."""

import asyncio
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.errors import FactoryError, ToolError, ToolNotFound
from domain.json import Json
from domain.ports.tools import ToolContext, Tools
from domain.tool import Tool, ToolExecutionResult, ToolLimits, ToolMetadata, ToolType
from domain.usage import Money
from infrastructure.tools.native import native_tool
from infrastructure.tools.runnable import RunnableTool
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import CONTEXT, HandClock, answer, refusal, tools_with


def tool_that(run: Callable[[dict[str, Json]], object], **schema: Json) -> Tools:
    """Tools with one more, called `own`, that does `run` to its arguments."""

    async def own(arguments: dict[str, Json], context: ToolContext) -> object:
        return run(arguments)

    definition = Tool("own", ToolType.NATIVE, schema, ToolMetadata("own"), returns={"type": "integer"})
    return tools_of(HandClock(), [RunnableTool(definition, own)])


async def result_of(function: Callable[..., object], context: ToolContext = CONTEXT) -> ToolExecutionResult:
    return await tools_with(function).call(function.__name__, {}, context)


def raises_value() -> None:
    raise ValueError("bad luck")


async def raises_later() -> None:
    await asyncio.sleep(0)
    raise KeyError("gone")


def leaves() -> None:
    sys.exit(3)


async def leaves_later() -> None:
    sys.exit(3)


def stops_iterating() -> None:
    next(iter(()))


def times_out_itself() -> None:
    raise TimeoutError("my own")


async def cancels_itself() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("function", [raises_value, raises_later, leaves, leaves_later, stops_iterating, times_out_itself, cancels_itself])
async def test_what_a_tool_raises_is_an_answer_and_the_next_call_works(function: Callable[..., object]) -> None:
    tools = tools_with(function)

    result = await tools.call(function.__name__, {}, CONTEXT)

    assert (result.success, refusal(result)) == (False, "tool_failed")
    assert answer(await tools.call("calculator", {"expression": "2*(3+4)"}, CONTEXT)) == {"result": 14, "text": "14"}


async def test_a_failure_names_the_tool_and_the_reason_and_is_not_endless() -> None:
    def talks() -> None:
        raise ValueError("bad luck " * 1_000)

    error = (await result_of(talks)).error

    assert error is not None
    assert error.message.startswith("talks raised ValueError: bad luck")
    assert len(error.message) <= 2_000


async def test_an_error_on_purpose_keeps_its_code_and_whether_to_retry() -> None:
    def busy() -> None:
        raise ToolError("come back", "busy", retryable=True)

    error = (await result_of(busy)).error

    assert error is not None
    assert (error.code, error.message, error.retryable) == ("busy", "come back", True)


async def test_a_tool_that_misses_its_deadline_is_stopped_and_may_be_tried_again() -> None:
    stopped = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    error = (await result_of(hangs, replace(CONTEXT, deadline_seconds=0.01))).error

    assert error is not None
    assert (error.code, error.retryable) == ("timeout", True)
    assert "hangs did not answer within 0.01 seconds" in error.message
    assert stopped.is_set()


async def test_a_call_that_is_cancelled_is_cancelled_and_no_answer() -> None:
    begun = asyncio.Event()

    async def hangs() -> None:
        begun.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(result_of(hangs))
    await begun.wait()
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_call_takes_the_time_its_monotonic_clock_says() -> None:
    clock = HandClock()

    def works() -> None:
        clock.passed += 1.25

    def fails() -> None:
        clock.passed += 0.5
        raise ValueError

    tools = tools_with(works, fails, clock=clock)

    assert (await tools.call("works", {}, CONTEXT)).execution_time == 1.25
    assert (await tools.call("fails", {}, CONTEXT)).execution_time == 0.5


async def test_arguments_are_checked_before_the_tool_runs_and_every_problem_is_told_with_its_place() -> None:
    ran: list[dict[str, Json]] = []
    tools = tool_that(ran.append, type="object", properties={"a": {"type": "integer"}, "b/c": {"type": "string"}})

    error = (await tools.call("own", {"a": "x", "b/c": 1}, CONTEXT)).error

    assert error is not None
    assert error.code == "invalid_arguments"
    assert "/a: " in error.message
    assert "/b~1c: " in error.message
    assert ran == []


async def test_what_a_tool_returns_is_checked_against_its_schema() -> None:
    assert refusal(await tool_that(lambda arguments: "seven").call("own", {}, CONTEXT)) == "invalid_output"
    assert answer(await tool_that(lambda arguments: 7).call("own", {}, CONTEXT)) == 7


@pytest.mark.parametrize(
    "returned",
    [
        pytest.param({1: 2}, id="keys that are no texts"),
        pytest.param({1, 2}, id="a set"),
        pytest.param(b"bytes", id="bytes"),
        pytest.param(float("nan"), id="no number"),
        pytest.param(2**70, id="more than 64 bits"),
    ],
)
async def test_what_json_cannot_hold_is_no_answer(returned: object) -> None:
    assert refusal(await tool_that(lambda arguments: returned).call("own", {}, CONTEXT)) == "invalid_output"


async def test_a_tool_cannot_change_what_it_was_given() -> None:
    given: dict[str, Json] = {"list": [1]}

    def grabs(arguments: dict[str, Json]) -> int:
        inner = arguments["list"]
        assert isinstance(inner, list)
        inner.append(2)
        return len(inner)

    assert answer(await tool_that(grabs).call("own", given, CONTEXT)) == 2
    assert given == {"list": [1]}


async def test_arguments_deeper_than_any_schema_looks_are_refused() -> None:
    deep: Json = 0
    for _ in range(10_000):
        deep = [deep]

    assert refusal(await tool_that(lambda arguments: 7).call("own", {"deep": deep}, CONTEXT)) == "invalid_arguments"


async def test_an_unknown_tool_is_told_the_known_ones() -> None:
    tools = tools_with()

    for attempt in (lambda: tools.get("calc"), lambda: asyncio.run(tools.call("calc", {}, CONTEXT))):
        with pytest.raises(ToolNotFound, match="no tool calc; there are calculator, datetime, json_query, sleep, text_search"):
            await asyncio.to_thread(attempt)


def test_tools_are_listed_by_name() -> None:
    def beta() -> None: ...

    assert [tool.name for tool in tools_with(beta).list()] == ["beta", "calculator", "datetime", "json_query", "sleep", "text_search"]


def test_two_tools_of_one_name_are_refused() -> None:
    def calculator() -> None: ...

    with pytest.raises(FactoryError, match="two tools are called calculator"):
        tools_with(calculator)


@pytest.mark.parametrize("name", ["", "a b", "1st", "tool.one", "x" * 65])
def test_a_name_no_model_could_call_is_refused(name: str) -> None:
    def fine() -> None: ...

    runnable = native_tool(fine)

    with pytest.raises(FactoryError, match="is no name for a tool"):
        tools_of(HandClock(), [replace(runnable, tool=replace(runnable.tool, name=name))])


def test_a_schema_that_is_none_is_named_with_its_tool() -> None:
    with pytest.raises(FactoryError, match="the tool own has a schema that cannot be used"):
        tool_that(lambda arguments: 7, type="nonsense").get("own")


@pytest.mark.parametrize(
    ("returned", "code"),
    [
        pytest.param("x" * 99, "output_too_large", id="a text of more bytes than it may return"),
        pytest.param("é" * 60, "output_too_large", id="bytes are counted, not characters"),
        pytest.param(["x"] * 30, "output_too_large", id="a list with its commas and quotes"),
        pytest.param("\0", "invalid_output", id="NUL, which no database keeps"),
        pytest.param({"a\0": [1]}, "invalid_output", id="NUL in a name"),
        pytest.param([["\ud800"]], "invalid_output", id="half a surrogate"),
        pytest.param({"\udfff": 1}, "invalid_output", id="half a surrogate in a name"),
    ],
)
async def test_an_output_that_is_too_large_or_no_text_is_not_let_in(returned: object, code: str) -> None:
    result = await small_tool(lambda: returned).call("small", {}, CONTEXT)

    assert refusal(result) == code
    assert result.unknown


async def test_of_what_is_far_too_large_nothing_is_copied() -> None:
    tracemalloc.start()
    try:
        result = await small_tool(lambda: "x" * 100_000_000).call("small", {}, CONTEXT)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert refusal(result) == "output_too_large"
    assert most < 110_000_000


@pytest.mark.parametrize("returned", ["\\u0000", "x" * 98, "\x1b[31m"], ids=["a backslash and u0000", "just as much", "what JSON escapes"])
async def test_an_output_that_fits_is_let_in(returned: str) -> None:
    assert answer(await small_tool(lambda: returned).call("small", {}, CONTEXT)) == returned


async def test_the_smaller_of_a_tools_own_time_and_the_calls_is_what_it_has() -> None:
    told: list[float | None] = []

    async def hangs(arguments: dict[str, Json], context: ToolContext) -> object:
        told.append(context.deadline_seconds)
        await asyncio.Event().wait()
        return None

    about = ToolMetadata("hangs")
    runnable = RunnableTool(Tool("hangs", ToolType.NATIVE, {}, about, limits=ToolLimits(seconds=0.01)), hangs)
    tools = tools_of(HandClock(), [runnable])

    for given in (None, 30.0):
        assert refusal(await tools.call("hangs", {}, replace(CONTEXT, deadline_seconds=given))) == "timeout"
    assert refusal(await tools.call("hangs", {}, replace(CONTEXT, deadline_seconds=0.001))) == "timeout"
    assert told == [0.01, 0.01, 0.001]


async def test_a_call_costs_what_its_tool_says_unless_it_was_not_made() -> None:
    def run(arguments: dict[str, Json]) -> object:
        if arguments["n"] == 0:
            raise ToolError("no", "refused")
        return arguments["n"]

    cost = Money(Decimal("0.01"))
    schema: dict[str, Json] = {"type": "object", "properties": {"n": {"type": "integer"}}}
    tools = tools_of(HandClock(), [_runnable(Tool("paid", ToolType.NATIVE, schema, ToolMetadata("paid"), cost=cost), run)])

    assert (await tools.call("paid", {"n": 1}, CONTEXT)).cost == cost
    assert (await tools.call("paid", {"n": 0}, CONTEXT)).cost == cost
    assert (await tools.call("paid", {"n": "one"}, CONTEXT)).cost is None


async def test_what_a_tool_says_of_its_failure_steers_no_terminal() -> None:
    def fails() -> None:
        raise ToolError("\x1b[2Jgone\ud800", "gone")

    result = await result_of(fails)

    assert result.error is not None
    assert result.error.message == "\ufffd[2Jgone\ufffd"


def small_tool(run: Callable[[], object]) -> Tools:
    """Tools with one, called `small`, that may return 100 bytes."""
    definition = Tool("small", ToolType.NATIVE, {}, ToolMetadata("small"), limits=ToolLimits(output_bytes=100))
    return tools_of(HandClock(), [_runnable(definition, lambda arguments: run())])


def _runnable(definition: Tool, run: Callable[[dict[str, Json]], object]) -> RunnableTool:
    async def own(arguments: dict[str, Json], context: ToolContext) -> object:
        return run(arguments)

    return RunnableTool(definition, own)
