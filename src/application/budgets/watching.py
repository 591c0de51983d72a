"""Showing where budgets stand: each in its current period, by the account of it that is used up most."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from domain.budget import Budget
from domain.ports.budgets import BudgetAccounts, Budgets
from domain.ports.clock import Clock
from domain.ports.meter import BudgetMeter

PAUSE_SECONDS: Final = 5.0
MOST: Final = 200
"""Budgets, and accounts of one, that are looked at: there are no more series than that."""


@dataclass(frozen=True, slots=True)
class WatchBudgets:
    """A chore. A budget that is taken away is shown no longer."""

    budgets: Budgets
    accounts: BudgetAccounts
    meter: BudgetMeter
    clock: Clock
    shown: set[str] = field(default_factory=set)
    name: str = "budgets shown"

    async def turn(self) -> float:
        found = (await self.budgets.all())[:MOST]
        for budget in found:
            self.meter.budget_seen(_name(budget), await self._spent(budget), budget.limit)
        names = {_name(budget) for budget in found}
        for gone in self.shown - names:
            self.meter.budget_gone(gone)
        self.shown.clear()
        self.shown.update(names)
        return PAUSE_SECONDS

    async def _spent(self, budget: Budget) -> Decimal:
        accounts = await self.accounts.of(budget.id, [budget.period_at(self.clock.now())], MOST)
        return max((account.spent for account in accounts), default=Decimal(0))


def _name(budget: Budget) -> str:
    """Tenants name theirs without asking each other."""
    return f"{budget.tenant}/{budget.name}"
