"""Budgets on the hot path: a call takes what it may use from the blocks that its process holds, without asking anybody.

It may begin when that is durable, so that nothing is forgotten with the process; marks of calls that come together are written together.
What is missing is leased in the background. A block that others closed, because this process seemed to be gone, is lost: calls that had
begun stay charged to it, all others ask again.
"""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from application.budgets.holdings import Holdings
from application.budgets.line import Line
from application.budgets.tills import Hold, Part, Till, tills_of
from domain.budget import Budget
from domain.budget_account import Account
from domain.caller import Caller
from domain.errors import PriceUnknown
from domain.ids import TenantId
from domain.ports.budgets import Budgets
from domain.usage import Usage

FRESH_SECONDS: Final = 0.5
"""So old may be what this process knows of budgets when a call begins."""
LEARN_SECONDS: Final = 0.2
"""From then on it is asked for anew, while calls begin with what is known."""


@dataclass(slots=True, eq=False)
class Purse:
    """All reservations that calls of this process have, or wait for, in budgets: `hold` makes one, `settle` says what it came to."""

    budgets: Budgets
    holdings: Holdings
    known: dict[TenantId, list[Budget]] = field(default_factory=dict)
    known_at: float = float("-inf")
    line: Line = field(init=False)
    """Of calls that wait for room."""
    unmarked: list[Hold] = field(default_factory=list)
    """They have room, which is not durable yet."""
    _learning: "asyncio.Task[None] | None" = None
    _marking: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self.line = Line(self.holdings, self._take)

    def hold(self, caller: Caller, usage: Usage) -> Hold | None:
        """Reserve what a call may use at most; None: no budget counts it. It may be made when `decided` says so, and is to be settled,
        whatever comes of it."""
        if self.knows_none(caller.tenant):
            return None
        hold = Hold(caller, usage.as_one, asyncio.get_running_loop().create_future(), self.holdings.clock.monotonic())
        if self._is_fresh:
            return hold if self._begin(hold) else None
        self.holdings.spawn(self._begin_later(hold))
        return hold

    def knows_none(self, tenant: TenantId) -> bool:
        """Has this tenant surely no budget?"""
        return self._is_fresh and not self.known.get(tenant)

    async def learn(self) -> None:
        """Know what there is of budgets, for a while."""
        if self._age > LEARN_SECONDS:
            await asyncio.shield(self._learn_soon())

    @property
    def _age(self) -> float:
        return self.holdings.clock.monotonic() - self.known_at

    @property
    def _is_fresh(self) -> bool:
        age = self._age
        if age > LEARN_SECONDS:
            self._learn_soon()
        return age <= FRESH_SECONDS

    def _learn_soon(self) -> "asyncio.Task[None]":
        if self._learning is None:
            self._learning = self.holdings.spawn(self._learn())
        return self._learning

    def settle(self, hold: Hold, usage: Usage | None) -> None:
        """What the call came to, or None for nothing, once the ledger says so too. Of one that waits nothing is left."""
        hold.is_over = True
        self.line.leave(hold)
        parts = self._leave(hold, usage)
        if not hold.decided.done():
            hold.decided.cancel()
        if self.line.holds:
            self.line.freed([part.till for part in parts])

    def keep(self, hold: Hold) -> None:
        """Nobody here will hear what it came to: it stays charged as reserved."""
        self.settle(hold, hold.usage)

    def look_at_others(self, account: Account) -> None:
        """What they have spent, where this process uses the account too."""
        till = self.holdings.tills.get(account.key)
        if till is not None:
            till.gauge.look_at_others(account, till.block)

    def _leave(self, hold: Hold, usage: Usage | None) -> list[Part]:
        parts = hold.settle(usage)
        for part in parts:
            if part.block.is_closed:
                self.holdings.correct_soon(part.till, part.block)
        return parts

    # What is known of budgets.

    async def _begin_later(self, hold: Hold) -> None:
        await asyncio.shield(self._learn_soon())
        if not hold.is_over and not self._begin(hold):
            hold.decided.set_result(None)

    async def _learn(self) -> None:
        try:
            asked_at = self.holdings.clock.monotonic()
            found = await self.holdings.surely(self.budgets.all)
            self.known = {}
            for budget in found:
                self.known.setdefault(budget.tenant, []).append(budget)
            self.known_at = asked_at
        finally:
            self._learning = None

    def _begin(self, hold: Hold) -> bool:
        """False: no budget counts it."""
        try:
            hold.needs = self._needs(hold.caller, hold.usage)
        except PriceUnknown as error:
            hold.decided.set_result(error)
            return True
        if hold.needs:
            self._ask(hold)
        return bool(hold.needs)

    def _needs(self, caller: Caller, usage: Usage) -> list[tuple[Till, Decimal]]:
        now, needs = self.holdings.clock.now(), []
        for budget in self.known.get(caller.tenant, ()):
            key = budget.account(caller, now)
            amount = None if key is None else budget.amount(usage)
            if key is not None and amount:
                till = self.holdings.tills.setdefault(key, Till(budget, key))
                till.budget = budget
                needs.append((till, amount))
        return needs

    # Taking.

    def _ask(self, hold: Hold) -> None:
        if hold.fits:
            self._take(hold)
        else:
            self.line.join(hold)

    def _take(self, hold: Hold) -> None:
        hold.take(self.holdings.clock.monotonic())
        if all(till.is_marked for till, _ in hold.needs):
            hold.decided.set_result(None)
            return
        self.unmarked.append(hold)
        if self._marking is None:
            self._marking = self.holdings.spawn(self._mark())

    async def _mark(self) -> None:
        """Until there is nothing more to be made durable."""
        try:
            await asyncio.sleep(0)
            while self.unmarked:
                holds, self.unmarked = [hold for hold in self.unmarked if not hold.is_over], []
                await self.holdings.mark(tills_of(holds))
                for hold in holds:
                    self._decide(hold)
        finally:
            self._marking = None

    def _decide(self, hold: Hold) -> None:
        if hold.is_over:
            return
        if any(part.block.is_closed for part in hold.parts):
            parts = self._leave(hold, None)
            self._ask(hold)
            self.line.freed([part.till for part in parts])
        else:
            hold.decided.set_result(None)
