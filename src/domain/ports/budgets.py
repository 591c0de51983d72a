"""Budgets, their accounts, and the blocks of them that processes hold. Each call of a store is its own transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from domain.budget import AccountKey, Budget
from domain.budget_account import Account, Block
from domain.ids import BlockId, BudgetId, TenantId

T = TypeVar("T")


class Budgets(Protocol):
    """Another tenant's budget does not exist."""

    async def add(self, budget: Budget) -> None:
        """Keep a new one. One that is there stays as it is. `BudgetNameTaken` when another of the tenant has its name."""

    async def get(self, tenant: TenantId, budget: BudgetId) -> Budget:
        """`BudgetNotFound` when there is none."""

    async def all(self, tenant: TenantId | None = None) -> Sequence[Budget]:
        """By name; None: those of every tenant. Cheap: whoever makes calls asks again and again."""

    async def change(self, changed: Budget) -> bool:
        """Keep it as its next revision. False, and nothing is kept, when its revision is no longer `changed.revision`."""

    async def remove(self, tenant: TenantId, budget: BudgetId) -> None:
        """With its accounts. `BudgetNotFound` when there is none."""


class BudgetAccounts(Protocol):
    async def change(self, key: AccountKey, work: Callable[[Account], T], block: BlockId | None = None) -> T | None:
        """Do this with an account, and keep what became of it; nobody else changes it meanwhile, whatever process they are in. It has the
        budget's limit of now, its open blocks, and `block` also when that is closed. None, and nothing is done, when the budget is gone.
        `work` may be called again; `DatabaseError`: what it did was kept, or not."""

    async def mark(self, blocks: Sequence[Block]) -> Mapping[BlockId, float]:
        """Make durable what is used and reserved of these blocks, and when they expire. Those that are open, each with the second in which
        somebody last wanted what its account lacks; those that are closed are left out, and stay as they are."""

    async def of(self, budget: BudgetId, periods: Collection[str], limit: int) -> Sequence[Account]:
        """Accounts of a budget in these periods, by subject."""

    async def awake(self, limit: int) -> Sequence[Account]:
        """Some of those that somebody is to look after, of all tenants."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Drop closed blocks that expired before, some at a time; how many went."""
