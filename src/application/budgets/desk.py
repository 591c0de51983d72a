"""Budgets: make them, look at what is left, raise them, take them away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.budgets.orders import BudgetOrder, BudgetPatch
from application.budgets.purse import FRESH_SECONDS
from application.budgets.views import BudgetView
from application.budgets.waking import WakeParked
from application.errors import Problem, ValidationError
from application.names import id_or
from application.once import Once, digest_of
from application.paging import PageOrder, slice_of
from application.views import PageView
from domain.access import Principal, Role
from domain.budget import AtLimit, Budget
from domain.budget_account import Account
from domain.errors import BudgetNotFound
from domain.ids import BudgetId, NewId
from domain.ports.budgets import BudgetAccounts, Budgets
from domain.ports.clock import Clock
from domain.ports.models import Models

MOST_SHOWN: Final = 200
HEARD_SECONDS: Final = 2 * FRESH_SECONDS
"""So long after a budget was made or changed every worker knows of it."""


@dataclass(frozen=True, slots=True)
class BudgetDesk:
    budgets: Budgets
    accounts: BudgetAccounts
    models: Models
    wake: WakeParked
    once: Once
    new_id: NewId
    clock: Clock

    async def create(self, who: Principal, order: BudgetOrder, key: str | None = None) -> BudgetView:
        """It counts every call that begins after this returns; what was used before it was made does not count."""
        who.must_be(Role.ADMIN)
        made = order.budget(BudgetId(self.new_id()), who.tenant, self.clock)
        self._check(made)
        if key is not None:
            named = await self.once.named(who, key, digest_of("budget order", order.model_dump(mode="json")), made.id)
            made = replace(made, id=BudgetId(named))
        await self.budgets.add(made)
        await self.clock.sleep(HEARD_SECONDS)
        return await self._shown(await self.budgets.get(who.tenant, made.id))

    async def get(self, who: Principal, budget: str) -> BudgetView:
        who.must_be(Role.VIEWER)
        return await self._shown(await self._find(who, budget))

    async def list(self, who: Principal, order: PageOrder) -> PageView[BudgetView]:
        """By name."""
        who.must_be(Role.VIEWER)
        page = slice_of(await self.budgets.all(who.tenant), order, lambda budget: BudgetView.of(budget, ()))
        return PageView(items=[await self.get(who, view.id) for view in page.items], next_cursor=page.next_cursor)

    async def change(self, who: Principal, budget: str, patch: BudgetPatch) -> BudgetView:
        """Runs that are parked for it go on when it has room for them again."""
        who.must_be(Role.ADMIN)
        changed = await self._changed(who, budget, patch.applied)
        for account in await self._accounts(changed):
            await self.accounts.change(account.key, lambda account: account.arm(changed.alerts))
        await self.clock.sleep(HEARD_SECONDS)
        return await self._shown(await self._find(who, budget))

    async def remove(self, who: Principal, budget: str) -> None:
        """With all that is known of its use. Runs that are parked for it go on."""
        who.must_be(Role.ADMIN)
        found = await self._find(who, budget)
        await self.budgets.remove(who.tenant, found.id)
        await self.clock.sleep(HEARD_SECONDS)
        await self.wake.everyone(found)

    async def _find(self, who: Principal, budget: str) -> Budget:
        return await self.budgets.get(who.tenant, _id_of(budget))

    async def _changed(self, who: Principal, budget: str, change: Callable[[Budget], Budget]) -> Budget:
        while True:
            changed = change(await self._find(who, budget))
            self._check(changed)
            if await self.budgets.change(changed):
                return changed

    async def _accounts(self, budget: Budget) -> Sequence[Account]:
        return await self.accounts.of(budget.id, [budget.period_at(self.clock.now())], MOST_SHOWN)

    async def _shown(self, budget: Budget) -> BudgetView:
        return BudgetView.of(budget, await self._accounts(budget))

    def _check(self, budget: Budget) -> None:
        degrades = budget.at_limit is AtLimit.DEGRADE
        if degrades and not self.models.known(budget.instead):
            says = f"there is no model {budget.instead!r}" if budget.instead else "say which model is called instead"
            raise ValidationError(f"`degrade` needs a cheaper model: {says}", [Problem("/instead", "unknown_model", says)])
        if budget.instead and not degrades:
            says = "only a budget that degrades calls another model"
            raise ValidationError(says, [Problem("/instead", "not_used", says)])


def _id_of(budget: str) -> BudgetId:
    return BudgetId(id_or(BudgetNotFound, budget))
