"""Calls of one process that wait for room in budgets, and what is leased for them meanwhile."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final

from application.budgets.holdings import Holdings
from application.budgets.tills import Hold, Refusal, Till
from domain.budget_account import NOTHING, Lack

WAIT_SECONDS: Final = 60.0
"""So long a call waits for what others hold before it is refused."""
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5


@dataclass(slots=True, eq=False)
class Line:
    """`take`: a call that fits has its amounts. Each that waits lacks something that is being asked for: nobody waits for ever."""

    holdings: Holdings
    take: Callable[[Hold], None]
    holds: dict[Hold, None] = field(default_factory=dict)
    """In the order in which they came."""

    def join(self, hold: Hold) -> None:
        self.holds[hold] = None
        for till, amount in hold.needs:
            till.waiting[hold] = amount
        self._fill(hold)

    def leave(self, hold: Hold) -> None:
        if hold in self.holds:
            del self.holds[hold]
            for till, _ in hold.needs:
                del till.waiting[hold]

    def freed(self, tills: Iterable[Till]) -> None:
        """Something was freed in these, or leased for them. Where nothing is asked for, it changes nothing for anybody."""
        holds = {hold: None for till in tills if till.filling is not None for hold in till.waiting}
        for hold in sorted(holds, key=lambda hold: hold.asked_at):
            self._try(hold)

    def _try(self, hold: Hold) -> None:
        if hold.fits:
            self.leave(hold)
            self.take(hold)
        else:
            self._fill_again(hold)

    def _fill(self, hold: Hold) -> None:
        for till, _ in hold.lacking:
            if till.filling is None:
                till.filling = self.holdings.spawn(self._filling(till))

    def _fill_again(self, hold: Hold) -> None:
        """Who waited for one budget may have lost what there was for him in another: that is asked for when no other is, for what waits
        for the next one others might use."""
        lacking = hold.lacking
        if all(till.filling is None for till, _ in lacking):
            self._fill(hold)
        for till, amount in lacking:
            if till.is_there(amount):
                till.may_fit.set()

    async def _filling(self, till: Till) -> None:
        """Until nobody here lacks anything of it."""
        pause = FIRST_PAUSE
        try:
            while _lacking(till):
                lease = await self.holdings.lease(till, partial(_lacking, till))
                till.beyond = lease.beyond if isinstance(lease, Lack) else NOTHING
                if isinstance(lease, Lack):
                    self._refuse(till, lease)
                    await _look_again(till, pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                elif lease is None:
                    self._drop(till)
                else:
                    pause = FIRST_PAUSE
                self.freed([till])
        finally:
            till.filling = None

    def _drop(self, till: Till) -> None:
        """The budget is gone: it counts nothing any more."""
        till.block = None
        self.holdings.tills.pop(till.key, None)
        waiting, till.waiting = list(till.waiting), {}
        for hold in waiting:
            hold.needs = [(one, amount) for one, amount in hold.needs if one is not till]
            self._try(hold)

    def _refuse(self, till: Till, lack: Lack) -> None:
        """Those that cannot fit, and those that have waited long enough."""
        now = self.holdings.clock.monotonic()
        for hold, amount in list(till.waiting.items()):
            is_late = now - hold.asked_at > WAIT_SECONDS
            if till.lacks(amount) and (lack.is_final(amount) or is_late):
                self.leave(hold)
                turns_at = till.budget.turns_at(self.holdings.clock.now())
                hold.decided.set_result(Refusal(till.budget, till.key, lack, amount, turns_at, till.passed))


def _lacking(till: Till) -> list[Decimal]:
    return [amount for amount in till.waiting.values() if till.lacks(amount)]


async def _look_again(till: Till, seconds: float) -> None:
    """Others may give something back meanwhile; at once when something is freed here that may be enough."""
    till.may_fit.clear()
    lacking = _lacking(till)
    if lacking and not till.is_there(min(lacking)):
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await till.may_fit.wait()
