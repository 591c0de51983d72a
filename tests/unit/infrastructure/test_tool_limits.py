"""How many calls of a tool there may be: at once, and in a minute."""

import asyncio
from dataclasses import replace

from domain.audit import Deed
from domain.ids import DEFAULT_TENANT, TenantId
from domain.json import Json
from domain.ports.clock import Clock
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolLimits, ToolMetadata, ToolType
from infrastructure.clock import SystemClock
from infrastructure.tools.catalog import TenantTools
from infrastructure.tools.runnable import Run, RunnableTool
from infrastructure.unaudited import Unaudited
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import HandClock

CALL = ToolContext(DEFAULT_TENANT, "key")


class Counting:
    """Counts how many are in it at once; a call ends when the test lets it."""

    def __init__(self) -> None:
        self.inside = self.most = self.calls = 0
        self.go = asyncio.Event()
        self.entered = asyncio.Semaphore(0)

    async def __call__(self, arguments: dict[str, Json], context: ToolContext) -> Json:
        self.inside += 1
        self.calls += 1
        self.most = max(self.most, self.inside)
        self.entered.release()
        await self.go.wait()
        self.inside -= 1
        return None


def a_tool(run: Run, limits: ToolLimits) -> RunnableTool:
    return RunnableTool(Tool("slow", ToolType.NATIVE, {}, ToolMetadata("Slow."), limits=limits), run)


def tools_with(run: Run, limits: ToolLimits, clock: Clock | None = None) -> TenantTools:
    return tools_of(clock or SystemClock(), [a_tool(run, limits)])


async def test_a_tool_is_never_called_more_often_at_once_than_it_says() -> None:
    run = Counting()
    tools = tools_with(run, ToolLimits(concurrency=2))
    calls = [asyncio.create_task(tools.call("slow", {}, CALL)) for _ in range(5)]
    for _ in range(2):
        await run.entered.acquire()
    run.go.set()

    assert [(await call).success for call in calls] == [True] * 5
    assert (run.most, run.calls) == (2, 5)


async def test_whoever_finds_no_turn_in_its_time_is_told_so_and_the_tool_is_not_called() -> None:
    run = Counting()
    tools = tools_with(run, ToolLimits(concurrency=1))
    first = asyncio.create_task(tools.call("slow", {}, CALL))
    await run.entered.acquire()
    late = await tools.call("slow", {}, replace(CALL, deadline_seconds=0.01))
    run.go.set()

    assert late.error is not None
    assert (late.error.code, late.error.retryable, late.unknown, run.calls) == ("rate_limited", True, False, 1)
    assert (await first).success


async def test_what_was_waited_for_a_turn_is_not_given_again() -> None:
    clock, run = HandClock(), Counting()
    left: list[float | None] = []

    async def slow(arguments: dict[str, Json], context: ToolContext) -> Json:
        left.append(context.deadline_seconds)
        return await run(arguments, context)

    tools = tools_with(slow, ToolLimits(concurrency=1), clock)
    both = [asyncio.create_task(tools.call("slow", {}, replace(CALL, deadline_seconds=30))) for _ in range(2)]
    await run.entered.acquire()
    clock.passed += 20
    run.go.set()
    await asyncio.gather(*both)

    assert left == [30, 10]


async def test_a_call_whose_time_was_over_before_its_turn_is_not_made() -> None:
    clock, run = HandClock(), Counting()
    tools = tools_with(run, ToolLimits(concurrency=1), clock)
    both = [asyncio.create_task(tools.call("slow", {}, replace(CALL, deadline_seconds=30))) for _ in range(2)]
    await run.entered.acquire()
    clock.passed += 31
    run.go.set()
    late = (await asyncio.gather(*both))[1]

    assert late.error is not None
    assert (late.error.code, late.error.retryable, late.unknown, run.calls) == ("timeout", True, False, 1)


async def test_what_was_waited_for_the_audit_trail_is_not_given_again() -> None:
    clock, run = HandClock(), Counting()
    run.go.set()

    class Slow(Unaudited):
        has_room = False

        async def record(self, deed: Deed) -> None:
            clock.passed += 31

    tools = tools_of(clock, [a_tool(run, ToolLimits())], trail=Slow())
    late = await tools.call("slow", {}, replace(CALL, deadline_seconds=30))

    assert (late.error and late.error.code, run.calls) == ("timeout", 0)


async def test_nothing_is_kept_of_a_tool_that_nobody_calls_or_waits_for() -> None:
    run = Counting()
    tools = tools_with(run, ToolLimits(concurrency=1))
    queues = tools.guard.limits._queues
    calls = [asyncio.create_task(tools.call("slow", {}, CALL)) for _ in range(2)]
    await run.entered.acquire()
    late = await tools.call("slow", {}, replace(CALL, deadline_seconds=0.01))
    assert (late.success, len(queues)) == (False, 1)

    run.go.set()
    assert [(await call).success for call in calls] == [True, True]
    assert (run.most, queues) == (1, {})


async def test_one_tenants_calls_take_no_turn_of_anothers() -> None:
    run = Counting()
    tools = tools_with(run, ToolLimits(concurrency=1))
    both = [asyncio.create_task(tools.call("slow", {}, replace(CALL, tenant=TenantId(name)))) for name in ("a", "b")]
    for _ in range(2):
        await run.entered.acquire()
    run.go.set()

    assert [(await call).success for call in both] == [True, True]


async def test_beyond_its_calls_a_minute_a_tool_is_refused_with_the_seconds_to_wait() -> None:
    run = Counting()
    run.go.set()
    tools = tools_with(run, ToolLimits(calls_per_minute=3))
    found = [await tools.call("slow", {}, CALL) for _ in range(4)]

    assert [one.success for one in found] == [True, True, True, False]
    refused = found[3].error
    assert refused is not None
    assert (refused.code, refused.retryable, run.calls) == ("rate_limited", True, 3)
    assert 0 < (refused.retry_after or 0) <= 20
