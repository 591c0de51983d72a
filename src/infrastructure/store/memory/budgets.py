"""Budgets and their accounts, in memory."""

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from domain.budget import AccountKey, Budget
from domain.budget_account import Account, Block
from domain.ids import BlockId, BudgetId, TenantId
from infrastructure.store.budgets.kept import name_taken, no_budget
from infrastructure.store.rows import seconds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MemoryBudgets:
    kept: dict[BudgetId, Budget] = field(default_factory=dict)
    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    """With closed blocks."""

    async def add(self, budget: Budget) -> None:
        if any((one.tenant, one.name) == (budget.tenant, budget.name) and one.id != budget.id for one in self.kept.values()):
            raise name_taken(budget)
        self.kept.setdefault(budget.id, budget)

    async def get(self, tenant: TenantId, budget: BudgetId) -> Budget:
        found = self.kept.get(budget)
        if found is None or found.tenant != tenant:
            raise no_budget(budget)
        return found

    async def all(self, tenant: TenantId | None = None) -> Sequence[Budget]:
        mine = [budget for budget in self.kept.values() if tenant in (None, budget.tenant)]
        return sorted(mine, key=lambda budget: (budget.tenant, budget.name))

    async def change(self, changed: Budget) -> bool:
        found = self.kept.get(changed.id)
        if found is None or found.revision != changed.revision:
            return False
        self.kept[changed.id] = replace(changed, revision=changed.revision + 1)
        return True

    async def remove(self, tenant: TenantId, budget: BudgetId) -> None:
        await self.get(tenant, budget)
        del self.kept[budget]
        for key in [key for key in self.accounts if key.budget == budget]:
            del self.accounts[key]


@dataclass(frozen=True, slots=True)
class MemoryBudgetAccounts:
    budgets: MemoryBudgets

    async def change(self, key: AccountKey, work: Callable[[Account], T], block: BlockId | None = None) -> T | None:
        budget = self.budgets.kept.get(key.budget)
        if budget is None:
            return None
        account = self.budgets.accounts.setdefault(key, Account(key, budget.limit))
        account.limit, everything = budget.limit, dict(account.blocks)
        account.blocks = {one.id: one for one in everything.values() if not one.is_closed or one.id == block}
        try:
            return work(account)
        finally:
            account.blocks = everything | account.blocks

    async def mark(self, blocks: Sequence[Block]) -> Mapping[BlockId, float]:
        wanted: dict[BlockId, float] = {}
        for account in self.budgets.accounts.values():
            for mine in blocks:
                kept = account.blocks.get(mine.id)
                if kept is not None and not kept.is_closed:
                    kept.used, kept.reserved, kept.expires_at = mine.used, mine.reserved, mine.expires_at
                    wanted[mine.id] = account.wanted_at
        return wanted

    async def of(self, budget: BudgetId, periods: Collection[str], limit: int) -> Sequence[Account]:
        found = [account for key, account in self.budgets.accounts.items() if key.budget == budget and key.period in periods]
        return [self._as_it_is(account) for account in sorted(found, key=lambda account: account.key)][:limit]

    async def awake(self, limit: int) -> Sequence[Account]:
        return [self._as_it_is(account) for account in self.budgets.accounts.values() if account.is_awake][:limit]

    async def forget(self, before: datetime, limit: int) -> int:
        old = [
            (account, block.id)
            for account in self.budgets.accounts.values()
            for block in account.blocks.values()
            if block.is_closed and block.expires_at < seconds(before)
        ]
        for account, block in old[:limit]:
            del account.blocks[block]
        return len(old[:limit])

    def _as_it_is(self, account: Account) -> Account:
        shown = deepcopy(account)
        shown.limit = self.budgets.kept[account.key.budget].limit
        shown.blocks = {block.id: block for block in shown.open}
        return shown
