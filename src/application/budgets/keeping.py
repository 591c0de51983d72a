"""Keeping the blocks of budgets that a process holds: they are told to be alive, and given back when nobody here needs them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from application.budgets.purse import Purse
from application.budgets.tills import Till

KEEP_SECONDS: Final = 0.5
IDLE_SECONDS: Final = 2.0
"""A block that was not used for so long is given back."""
WANTED_SECONDS: Final = 3.0
"""So long after somebody lacked something it counts as wanted."""
PATIENCE_SECONDS: Final = 1.5
"""So long a call that waits here keeps what others want: two processes that wait for each other would wait for ever."""


@dataclass(frozen=True, slots=True)
class KeepPurse:
    purse: Purse

    async def run(self) -> None:
        """Until cancelled."""
        holdings = self.purse.holdings
        while True:
            await holdings.used.wait()
            await holdings.clock.sleep(KEEP_SECONDS)
            await self.turn()

    async def turn(self) -> None:
        holdings = self.purse.holdings
        tills = [till for till in holdings.tills.values() if till.block is not None]
        before = holdings.clock.monotonic() - KEEP_SECONDS
        wanted = await holdings.mark([till for till in tills if till.used_at > before])
        wanted |= await holdings.mark([till for till in tills if till.used_at <= before], exactly=True)
        now = holdings.clock.now().timestamp()
        held = [(till, wanted.get(till.block.id, 0.0)) for till in tills if till.block is not None]
        await asyncio.gather(*(self._look_at(till, is_wanted=now - since < WANTED_SECONDS) for till, since in held))
        self._forget()

    async def leave(self) -> None:
        """The process stops: what is not under way is free for others now."""
        holdings = self.purse.holdings
        tills = list(holdings.tills.values())
        await asyncio.gather(*(holdings.give_back(till, close=till.block is not None and not till.block.reserved) for till in tills))
        await holdings.close()

    async def _look_at(self, till: Till, *, is_wanted: bool) -> None:
        block, holdings = till.block, self.purse.holdings
        if block is None:
            return
        is_idle = not block.reserved and holdings.clock.monotonic() - till.used_at > IDLE_SECONDS
        may_go = is_wanted and not self._is_needed(till)
        if not block.reserved and (is_idle or may_go):
            await holdings.give_back(till, close=True)
        elif block.free < 0 or (may_go and block.free > 0):
            await holdings.give_back(till, close=False)

    def _is_needed(self, till: Till) -> bool:
        since = self.purse.holdings.clock.monotonic() - PATIENCE_SECONDS
        return any(hold.asked_at > since for hold in till.waiting)

    def _forget(self) -> None:
        holdings = self.purse.holdings
        for till in list(holdings.tills.values()):
            if till.block is None and till.filling is None and not till.waiting:
                del holdings.tills[till.key]
        if not holdings.tills:
            holdings.used.clear()


@asynccontextmanager
async def kept(purse: Purse) -> AsyncIterator[None]:
    """While a process has a purse it is kept, whether it works or only drafts; at the end it is given back."""
    keeping = KeepPurse(purse)
    task = asyncio.create_task(keeping.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await keeping.leave()
