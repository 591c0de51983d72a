"""How many calls of a tool there may be: at once, and in a minute. Each process counts its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from domain.errors import Failure
from domain.ids import TenantId
from domain.ports.limits import Limits, Rate
from domain.ports.tools import ToolContext
from domain.tool import Tool

MINUTE: Final = 60.0


@dataclass(slots=True)
class _Queue:
    """`people`: those who have a turn, and those who wait for one."""

    turns: asyncio.Semaphore
    people: int = 0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Whoever finds a tool at its limit of calls at once waits for its turn, as long as the call has time; the limit of calls a minute is
    refused, with the seconds until there is room."""

    rates: Limits
    _queues: dict[tuple[TenantId, str, int], _Queue] = field(default_factory=dict)

    @asynccontextmanager
    async def within(self, tool: Tool, context: ToolContext) -> AsyncIterator[Failure | None]:
        """Gives why the call may not be made now, or None."""
        limits = tool.limits
        if limits.calls_per_minute is not None:
            verdict = await self.rates.hit(f"tool {context.tenant} {tool.name}", Rate(limits.calls_per_minute, MINUTE))
            if not verdict.allowed:
                message = f"{tool.name} may be called {limits.calls_per_minute} times a minute"
                yield Failure("rate_limited", message, retryable=True, retry_after=verdict.retry_after)
                return
        if limits.concurrency is None:
            yield None
            return
        async with self._queue((context.tenant, tool.id, limits.concurrency)) as queue:
            try:
                async with asyncio.timeout(context.deadline_seconds):
                    await queue.turns.acquire()
            except TimeoutError:
                message = f"{tool.name} is called {limits.concurrency} times at once, and no call ended"
                yield Failure("rate_limited", message, retryable=True)
                return
            try:
                yield None
            finally:
                queue.turns.release()

    @asynccontextmanager
    async def _queue(self, key: tuple[TenantId, str, int]) -> AsyncIterator[_Queue]:
        """Gone when nobody is in it."""
        queue = self._queues.setdefault(key, _Queue(asyncio.Semaphore(key[2])))
        queue.people += 1
        try:
            yield queue
        finally:
            queue.people -= 1
            if not queue.people:
                del self._queues[key]
