"""What the tests of tools share: a clock that is set by hand, and one call of a tool."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.ids import DEFAULT_TENANT
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import ToolExecutionResult
from infrastructure.tools.catalog import TenantTools
from infrastructure.tools.native import native_tool
from tests.toolbox import tools_of

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONTEXT = ToolContext(DEFAULT_TENANT, "run/ask#1/0", deadline_seconds=30)


@dataclass
class HandClock:
    """Stands at `time`; sleeping moves it on at once."""

    time: datetime = NOON
    passed: float = 0.0
    slept: list[float] = field(default_factory=list)
    passes_by: float = 0.0
    """At each look at it."""

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        self.passed += self.passes_by
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds
        await asyncio.sleep(0)


def tools_with(*functions: Callable[..., object], clock: HandClock | None = None) -> TenantTools:
    return tools_of(clock or HandClock(), [native_tool(function) for function in functions])


async def call(name: str, **arguments: Json) -> ToolExecutionResult:
    return await tools_with().call(name, arguments, CONTEXT)


def refusal(result: ToolExecutionResult) -> str:
    assert result.error is not None, f"it answered {str(result.output)[:200]}"
    return result.error.code


def answer(result: ToolExecutionResult) -> Json:
    assert result.error is None, result.error
    return result.output
