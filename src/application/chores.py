"""What a working process does beside carrying runs: starting what is scheduled, delivering webhooks, sweeping what is old.

Several processes may do the same chore at once; each chore takes its work from the store in a way that nobody else takes it too.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from domain.errors import DatabaseError
from domain.ports.clock import Clock

log = structlog.get_logger("application.chores")
PAUSE_SECONDS = 1.0
"""After a database that does not answer, or an error of our own."""


class Chore(Protocol):
    @property
    def name(self) -> str: ...

    async def turn(self) -> float:
        """Do what is due now, a bounded piece of it; in how many seconds to come again (0: there is more)."""


@dataclass(frozen=True, slots=True)
class Chores:
    chores: Sequence[Chore]
    clock: Clock

    async def run(self) -> None:
        """All of them, side by side, until cancelled. One that fails says so and is tried again; the others go on."""
        async with asyncio.TaskGroup() as group:
            for chore in self.chores:
                group.create_task(self._keep_doing(chore), name=chore.name)

    async def _keep_doing(self, chore: Chore) -> None:
        while True:
            await self.clock.sleep(await self._turn(chore))

    async def _turn(self, chore: Chore) -> float:
        try:
            return await chore.turn()
        except DatabaseError as error:
            log.warning("waiting for the database", chore=chore.name, reason=error.message)
        except Exception as error:
            log.error("a chore failed", chore=chore.name, exc_info=error)
        return PAUSE_SECONDS
