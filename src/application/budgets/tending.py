"""Looking after accounts of budgets: what lost processes held, who is to be told how much is used up, and runs that wait for room."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from application.budgets.purse import Purse
from application.budgets.telling import TellOfBudget
from application.budgets.waking import WakeParked
from domain.budget import Budget
from domain.budget_account import Account
from domain.ids import BudgetId
from domain.ports.budgets import BudgetAccounts, Budgets
from domain.ports.clock import Clock

log = structlog.get_logger("application.budgets")
PAUSE_SECONDS: Final = 1.0
BATCH: Final = 500
KEPT: Final = timedelta(days=1)
"""So long a closed block can be corrected by a process that was taken for gone."""
LINGER_SECONDS: Final = 60.0
"""So long after the last refusal it is looked for runs that are parked for it: one may be just about to."""


@dataclass(frozen=True, slots=True)
class TendBudgets:
    """A chore. Several processes may do it at once."""

    budgets: Budgets
    accounts: BudgetAccounts
    tell: TellOfBudget
    wake: WakeParked
    clock: Clock
    purse: Purse | None = None
    """This process's, if it has one: it learns what others have spent."""
    name: str = "budgets"

    async def turn(self) -> float:
        awake = await self.accounts.awake(BATCH)
        known = {budget.id: budget for budget in await self.budgets.all()} if awake else {}
        for account in awake:
            await self._tend(account, known)
        await self.accounts.forget(self.clock.now() - KEPT, BATCH)
        return PAUSE_SECONDS

    async def _tend(self, account: Account, known: Mapping[BudgetId, Budget]) -> None:
        now, budget = self.clock.now().timestamp(), known.get(account.key.budget)
        if any(block.expires_at < now for block in account.open):
            gone = await self.accounts.change(account.key, lambda account: account.close_expired(now))
            log.warning("blocks of a budget were given back for processes that are gone", budget=account.key.budget, blocks=gone)
        if self.purse is not None:
            self.purse.look_at_others(account)
        if budget is not None:
            await self._alert(budget, account)
            await self._wake(budget, account, now)
        if not account.open and account.waits_since is None:
            await self.accounts.change(account.key, lambda account: account.rest())

    async def _alert(self, budget: Budget, account: Account) -> None:
        """Told first, under an id of its own, then noted: nobody misses it, whoever is lost in between."""
        percent = account.crossed(budget.alerts)
        if percent is not None:
            await self.tell(budget, account, percent)
            await self.accounts.change(account.key, lambda account: account.told(percent))

    async def _wake(self, budget: Budget, account: Account, now: float) -> None:
        since = account.waits_since
        if since is None or not account.left:
            return
        woken = await self.wake(budget, account)
        if not woken and now - since > LINGER_SECONDS:
            await self.accounts.change(account.key, lambda account: account.nobody_waits(since))
