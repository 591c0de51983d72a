"""Calls of models that no run makes: budgets, the ledger and the meter count them as they count those of runs."""

from collections.abc import Callable
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
class DraftCalls:
    models: Models
    ledger: UsageLedger
    purse: Purse
    meter: Meter
    clock: Clock

    async def ask(self, request: ModelRequest, caller: Caller, spend: Callable[[Usage], None]) -> ModelResponse:
        """In the ledger before it is made, and settled after. `spend` hears what it used, also when it fails. `BudgetExceeded` and
        `PriceUnknown` when a budget has no room for it: nobody could be asked to wait for that."""
        most = self.models.at_most(request)
        hold = await self._room(caller, most)
        used: Usage | None = None
        try:
            await self.ledger.count([_line(self.clock, caller, most.as_one, UsageState.RESERVED)])
            try:
                response = await self.models.complete(request)
                used = response.usage
            except BaseException as error:
                found = getattr(error, "usage", None)
                used = found if isinstance(found, Usage) else None
                raise
            finally:
                await self._settle(caller, used, most, spend)
        finally:
            if hold is not None:
                self.purse.settle(hold, None if used is None else used.as_one)
        return response

    async def _room(self, caller: Caller, most: Usage) -> Hold | None:
        hold = self.purse.hold(caller, most)
        if hold is None:
            return None
        try:
            refused = await hold.decided
        except BaseException:
            self.purse.settle(hold, None)
            raise
        if refused is None:
            return hold
        self.purse.settle(hold, None)
        raise error_of(refused)

    async def _settle(self, caller: Caller, used: Usage | None, most: Usage, spend: Callable[[Usage], None]) -> None:
        """A call that took several models has a line for each."""
        if used is None:
            return await self.ledger.count([_line(self.clock, caller, most.as_one, UsageState.VOID)])
        spend(used)
        for call in used.calls:
            self.meter.used(caller.tenant, "", call)
        lines = [_line(self.clock, caller, call, UsageState.COUNTED, effect) for effect, call in enumerate(used.calls)]
        return await self.ledger.count(lines)


def _line(clock: Clock, caller: Caller, usage: Usage, state: UsageState, effect: int = 0) -> UsageRow:
    about = (caller.tenant, ThreadId(""), caller.run, "", caller.activation, effect, caller.attempt, Epoch(0))
    return UsageRow(*about, usage, state, at=clock.now().timestamp())
