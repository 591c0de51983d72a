"""What the door costs: a call of a tool that does nothing, bare and through permission and audit: python -m benchmarks.tool_calls

With no database, on SQLite and on PostgreSQL. A hundred calls a round, at once or one after the other; the median of the rounds, in
microseconds a call. What was noted is written before the next round begins. `calculator` beside it, which computes small sums in place.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from application.documents import parse_graph
from domain.acting import Acting
from domain.audit import Deed
from domain.ids import RunId, SessionId, TenantId, ThreadId
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolExecutionResult, ToolMetadata, ToolType
from infrastructure.clock import SystemClock
from infrastructure.schemas import JsonSchemas
from infrastructure.store.open import open_store
from infrastructure.tools.builtin.calculator import calculator
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.guarded import Guard
from infrastructure.tools.runnable import RunnableTool
from infrastructure.trail import GroupedTrail
from infrastructure.unaudited import Unaudited
from tests.servers.postgres import running_postgres
from tests.toolbox import guard_of

AT_ONCE: Final = 100
ROUNDS: Final = 300
FEW_ROUNDS: Final = 10
TENANT: Final = TenantId("t")
ACTING: Final = Acting(SessionId("s"), "ann", ("no*", "calculator", "http_*", "files_*"))
CONTEXT: Final = ToolContext(TENANT, "r/n#1/0", RunId("r"), "/n#1", 30.0, ACTING, workflow="w@1.0.0", thread=ThreadId("t"))
Call = Callable[[CheckedTool, dict[str, Json]], Awaitable[ToolExecutionResult]]
Settle = Callable[[], Awaitable[None]]


def nothing(effects: Effects) -> CheckedTool:
    async def run(arguments: dict[str, Json], context: ToolContext) -> Json:
        return {"text": arguments["text"]}

    text: dict[str, Json] = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    tool = Tool("nothing", ToolType.BUILTIN, text, ToolMetadata("Does nothing."), returns=text, effects=effects)
    return CheckedTool.of(RunnableTool(tool, run), JsonSchemas())


async def microseconds(call: Call, tool: CheckedTool, arguments: dict[str, Json], rounds: int, settle: Settle) -> float:
    """Of one call, when a hundred are made at once by as many tasks."""

    async def many() -> None:
        results = await asyncio.gather(*(call(tool, arguments) for _ in range(AT_ONCE)))
        assert all(result.success for result in results)

    took: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        await many()
        took.append((time.perf_counter() - began) / AT_ONCE * 1e6)
        await settle()
    return statistics.median(took)


async def one_by_one(call: Call, tool: CheckedTool, arguments: dict[str, Json], rounds: int, settle: Settle) -> float:
    """Of one call, when each waits for the one before."""
    took: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(AT_ONCE):
            await call(tool, arguments)
        took.append((time.perf_counter() - began) / AT_ONCE * 1e6)
        await settle()
    return statistics.median(took)


@dataclass(frozen=True, slots=True)
class Taken:
    """Microseconds of one call: when each waits for the one before, and with a hundred at once."""

    title: str
    alone: float
    at_once: float


async def calls(title: str, guard: Guard, clock: SystemClock) -> AsyncIterator[Taken]:
    async def settle() -> None:
        await guard.trail.record(Deed(TENANT, clock.now(), "benchmark", "settle", "", "allow"))

    async def bare(tool: CheckedTool, arguments: dict[str, Json]) -> ToolExecutionResult:
        return await tool.call(arguments, CONTEXT, clock)

    async def guarded(tool: CheckedTool, arguments: dict[str, Json]) -> ToolExecutionResult:
        return await guard.call(tool, arguments, CONTEXT)

    sum_of, sum_asked = CheckedTool.of(calculator(), JsonSchemas()), {"expression": "2*(3+4)"}
    cases: list[tuple[str, Call, CheckedTool, dict[str, Json]]] = [
        ("a tool that reads", guarded, nothing(Effects.NONE), {"text": "hi"}),
        ("a tool that has effects", guarded, nothing(Effects.IDEMPOTENT), {"text": "hi"}),
        ("calculator", guarded, sum_of, sum_asked),
    ]
    if guard.trail.__class__ is Unaudited:
        cases = [
            ("an empty tool, bare", bare, nothing(Effects.NONE), {"text": "hi"}),
            ("calculator, bare", bare, sum_of, sum_asked),
        ]
    for name, call, tool, arguments in cases:
        rounds = FEW_ROUNDS if tool.tool.effects is not Effects.NONE else ROUNDS // 3
        at_once = await microseconds(call, tool, arguments, rounds, settle)
        yield Taken(f"{name}{title}", await one_by_one(call, tool, arguments, rounds, settle), at_once)


async def on(url: str, title: str) -> list[Taken]:
    clock = SystemClock()
    async with open_store(url, parse=parse_graph, clock=clock, on_committed=lambda rows, seconds: None) as store:
        trail = GroupedTrail(store.audit, clock)
        try:
            return [taken async for taken in calls(f", with permission and audit, {title}", guard_of(clock, trail=trail), clock)]
        finally:
            await trail.close()


async def measured() -> list[Taken]:
    clock = SystemClock()
    found = [taken async for taken in calls("", guard_of(clock), clock)]
    with TemporaryDirectory() as folder:
        found += await on(f"sqlite:///{folder}/weft.db", "SQLite")
    with TemporaryDirectory() as folder, running_postgres(Path(folder)) as server:
        found += await on(server.dsn("postgres"), "PostgreSQL")
    return found


if __name__ == "__main__":
    for one in asyncio.run(measured()):
        print(f"{one.title}: {one.alone:.1f} us one by one, {one.at_once:.1f} us with {AT_ONCE} at once")
