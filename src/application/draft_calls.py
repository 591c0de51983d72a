"""Calls of models that belong to no run: every budget that counts them has room before, and the ledger says so before and after."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from application.budgets.purse import Purse
from application.budgets.refusing import error_of
from application.budgets.tills import Hold
from domain.caller import Caller
from domain.ids import Epoch, ThreadId
from domain.model import ModelRequest, ModelResponse
from domain.ports.clock import Clock
from domain.ports.meter import Meter
from domain.ports.models import Models
from domain.ports.repositories import UsageLedger
from domain.usage import Usage, UsageRow, UsageState


@dataclass(frozen=True, slots=True)
class AskModel:
    models: Models
    ledger: UsageLedger
    purse: Purse
    meter: Meter
    clock: Clock

    async def __call__(self, request: ModelRequest, caller: Caller, used: Callable[[Usage], None]) -> ModelResponse:
        """`BudgetExceeded` or `PriceUnknown` where it is not made, whatever the budget says is to become of runs: nothing is parked here,
        and no other model was asked for. `used` is told what it came to, also when it failed."""
        most = self.models.at_most(request)
        async with self._held(caller, most.as_one) as hold:
            await self.ledger.count([self._line(caller, most.as_one, UsageState.RESERVED)])
            try:
                response = await self.models.complete(request)
            except BaseException as error:
                found = getattr(error, "usage", None)
                await self._settle(caller, found if isinstance(found, Usage) else None, most, hold, used)
                raise
            await self._settle(caller, response.usage, most, hold, used)
        return response

    @asynccontextmanager
    async def _held(self, caller: Caller, most: Usage) -> AsyncIterator[Hold | None]:
        """What is not settled when it is left stays charged as reserved: the ledger may say so too."""
        hold = self.purse.hold(caller, most)
        if hold is None:
            yield None
            return
        has_room = False
        try:
            refused = await asyncio.shield(hold.decided)
            if refused is not None:
                raise error_of(refused)
            has_room = True
            yield hold
        finally:
            if not hold.is_over:
                self.purse.settle(hold, most if has_room else None)

    async def _settle(self, caller: Caller, came: Usage | None, most: Usage, hold: Hold | None, used: Callable[[Usage], None]) -> None:
        """A call that took several models has a line for each."""
        if came is None:
            await self.ledger.count([self._line(caller, most.as_one, UsageState.VOID)])
        else:
            used(came)
            for call in came.calls:
                self.meter.used(caller.tenant, "", call)
            await self.ledger.count([self._line(caller, call, UsageState.COUNTED, effect) for effect, call in enumerate(came.calls)])
        if hold is not None:
            self.purse.settle(hold, None if came is None else came.as_one)

    def _line(self, caller: Caller, usage: Usage, state: UsageState, effect: int = 0) -> UsageRow:
        about = (caller.tenant, ThreadId(""), caller.run, "", caller.activation, effect, caller.attempt, Epoch(0))
        return UsageRow(*about, usage, state, at=self.clock.now().timestamp())
