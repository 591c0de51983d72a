"""Waiting for a run on behalf of a call: until it has settled, the call's time is over, or the server stops."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from application.access import Principal
from application.batches import Batch, Recorded
from application.desk import Desk
from application.run_views import RunView

_STEPS: Final = {"node_finished": "finished", "node_failed": "failed"}
_LAST_STEPS_SECONDS: Final = 5.0

Progress: TypeAlias = Callable[[float, str], Awaitable[None]]
"""Is told how many nodes are done, and what the last one was."""


@dataclass(frozen=True, slots=True)
class Watch:
    """`stopping`: set when the server begins to stop."""

    desk: Desk
    who: Principal
    stopping: asyncio.Event

    async def settled(self, run: str, seconds: float, progress: Progress | None = None) -> tuple[RunView, bool]:
        """The run as it stands, and whether it has settled. With `progress` each node of a run that ended was told of before."""
        waiting = asyncio.create_task(self.desk.wait_for_run(self.who, run, seconds))
        stopped = asyncio.create_task(self.stopping.wait())
        telling = asyncio.create_task(self._tell(run, progress)) if progress else None
        tasks = [task for task in (waiting, stopped, telling) if task is not None]
        try:
            await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                return await self.desk.get_run(self.who, run), False
            view, has_settled = waiting.result()
            if telling is not None and view.ended_at is not None:
                await asyncio.wait({telling}, timeout=_LAST_STEPS_SECONDS)
            return view, has_settled
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, run: str, progress: Progress) -> None:
        done = 0
        async with aclosing(cast("AsyncGenerator[Batch]", await self.desk.follow_run.batches(self.who, run))) as batches:
            async for batch in batches:
                for row in batch:
                    if isinstance(row, Recorded) and row.kind in _STEPS:
                        done += 1
                        await progress(done, f"{json.loads(row.body)['activation']} {_STEPS[row.kind]}")
