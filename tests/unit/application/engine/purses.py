"""Several processes that make calls on the same budgets, in the loop's own time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from application.budgets.holdings import Holdings
from application.budgets.keeping import kept
from application.budgets.purse import Purse
from application.budgets.tills import Hold
from domain.budget import TOKENS, AccountKey, Budget
from domain.budget_account import Account, Block
from domain.caller import Caller
from domain.ids import DEFAULT_TENANT, ActivationPath, BlockId, BudgetId, RunId
from domain.usage import Usage
from infrastructure.ids import new_id
from infrastructure.store.memory.budgets import MemoryBudgetAccounts, MemoryBudgets
from tests.virtual_time import BEGINNING, VirtualClock

T = TypeVar("T")


@dataclass
class Counted:
    """Accounts that count how often they are asked; each time takes a moment."""

    accounts: MemoryBudgetAccounts
    asked: dict[str, int] = field(default_factory=lambda: {"change": 0, "mark": 0})

    async def change(self, key: AccountKey, work: Callable[[Account], T], block: BlockId | None = None) -> T | None:
        await self._takes_a_moment("change")
        return await self.accounts.change(key, work, block)

    async def mark(self, blocks: Sequence[Block]) -> Mapping[BlockId, float]:
        await self._takes_a_moment("mark")
        return await self.accounts.mark(blocks)

    async def of(self, budget: BudgetId, periods: Collection[str], limit: int) -> Sequence[Account]:
        return await self.accounts.of(budget, periods, limit)

    async def awake(self, limit: int) -> Sequence[Account]:
        return await self.accounts.awake(limit)

    async def forget(self, before: datetime, limit: int) -> int:
        return await self.accounts.forget(before, limit)

    async def _takes_a_moment(self, what: str) -> None:
        self.asked[what] += 1
        await asyncio.sleep(0)


@dataclass
class Budgeted:
    """A database with budgets, and processes that make calls."""

    budgets: MemoryBudgets
    accounts: Counted
    stack: AsyncExitStack

    async def budget(self, name: str, limit: int, **scope: str) -> Budget:
        made = Budget(BudgetId(name), DEFAULT_TENANT, name, BEGINNING, Decimal(limit), TOKENS, scope=scope)
        await self.budgets.add(made)
        return made

    async def process(self) -> Purse:
        purse = Purse(self.budgets, Holdings(self.accounts, new_id, VirtualClock()))
        await self.stack.enter_async_context(kept(purse))
        return purse

    def taken(self) -> list[Decimal]:
        return [account.taken for account in self.budgets.accounts.values()]


def call(purse: Purse, tokens: int, node: str = "a", workflow: str = "w") -> Hold:
    caller = Caller(DEFAULT_TENANT, RunId("r"), ActivationPath(f"/{node}#1"), workflow=f"{workflow}@1.0.0")
    hold = purse.hold(caller, Usage("m", tokens, 0))
    assert hold is not None
    return hold


async def begun(purse: Purse, tokens: int, node: str = "a", workflow: str = "w") -> Hold:
    hold = call(purse, tokens, node, workflow)
    async with asyncio.timeout(90):
        assert await hold.decided is None
    return hold


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Of the loop's own time, in which all that need not wait takes none."""
    async with asyncio.timeout(seconds + 0.001):
        yield
