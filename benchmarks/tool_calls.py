"""What the door costs: a call of a tool that does nothing, bare and through permission and audit: python -m benchmarks.tool_calls

A hundred calls at once, a round; the median of the rounds, in microseconds a call. `calculator` beside it, which computes in a thread.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Final

from domain.acting import Acting
from domain.ids import RunId, SessionId, TenantId, ThreadId
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolExecutionResult, ToolMetadata, ToolType
from infrastructure.clock import SystemClock
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.builtin.calculator import calculator
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.runnable import RunnableTool
from tests.toolbox import guard_of

AT_ONCE: Final = 100
ROUNDS: Final = 300
ACTING: Final = Acting(SessionId("s"), "ann", ("no*", "calculator", "http_*", "files_*"))
CONTEXT: Final = ToolContext(TenantId("t"), "r/n#1/0", RunId("r"), "/n#1", 30.0, ACTING, workflow="w@1.0.0", thread=ThreadId("t"))
Call = Callable[[CheckedTool, dict[str, Json]], Awaitable[ToolExecutionResult]]


def nothing(effects: Effects) -> CheckedTool:
    async def run(arguments: dict[str, Json], context: ToolContext) -> Json:
        return {"text": arguments["text"]}

    text: dict[str, Json] = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    tool = Tool("nothing", ToolType.BUILTIN, text, ToolMetadata("Does nothing."), returns=text, effects=effects)
    return CheckedTool.of(RunnableTool(tool, run), JsonSchemas())


async def microseconds(call: Call, tool: CheckedTool, arguments: dict[str, Json]) -> float:
    """Of one call, when a hundred are made at once by as many tasks."""

    async def many() -> None:
        results = await asyncio.gather(*(call(tool, arguments) for _ in range(AT_ONCE)))
        assert all(result.success for result in results)

    took: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await many()
        took.append((time.perf_counter() - began) / AT_ONCE * 1e6)
    return statistics.median(took)


async def one_by_one(call: Call, tool: CheckedTool, arguments: dict[str, Json]) -> float:
    """Of one call, when each waits for the one before."""
    took: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(AT_ONCE):
            await call(tool, arguments)
        took.append((time.perf_counter() - began) / AT_ONCE * 1e6)
    return statistics.median(took)


async def main() -> None:
    clock = SystemClock()
    guard = guard_of(clock)

    async def bare(tool: CheckedTool, arguments: dict[str, Json]) -> ToolExecutionResult:
        return await tool.call(arguments, CONTEXT, clock)

    async def guarded(tool: CheckedTool, arguments: dict[str, Json]) -> ToolExecutionResult:
        return await guard.call(tool, arguments, CONTEXT)

    sum_of = CheckedTool.of(calculator(), JsonSchemas())
    cases: list[tuple[str, Call, CheckedTool, dict[str, Json]]] = [
        ("nothing, bare", bare, nothing(Effects.NONE), {"text": "hi"}),
        ("nothing that only reads, with permission and audit", guarded, nothing(Effects.NONE), {"text": "hi"}),
        ("nothing that has effects, with permission and audit", guarded, nothing(Effects.IDEMPOTENT), {"text": "hi"}),
        ("calculator, with permission and audit", guarded, sum_of, {"expression": "2*(3+4)"}),
    ]
    for name, call, tool, arguments in cases:
        alone, at_once = await one_by_one(call, tool, arguments), await microseconds(call, tool, arguments)
        print(f"{name}: {alone:.1f} us one by one, {at_once:.1f} us with {AT_ONCE} at once")


if __name__ == "__main__":
    asyncio.run(main())
