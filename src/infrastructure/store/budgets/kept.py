"""Budgets in a database, read and written by the driver: whoever makes calls asks for them again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.budget import Budget
from domain.errors import BudgetNameTaken, BudgetNotFound
from domain.ids import BudgetId, TenantId
from infrastructure.store import budget_rows as rows
from infrastructure.store.reader import Reader
from infrastructure.store.rows import Row


class Write(Protocol):
    async def __call__(self, *statements: tuple[str, Row]) -> Sequence[Row]:
        """Several statements that become visible together; what the first one returned."""


@dataclass(frozen=True, slots=True)
class KeptBudgets:
    reader: Reader
    write: Write

    async def add(self, budget: Budget) -> None:
        await self.write((rows.ADD, rows.budget_row(budget)))
        if not await self.reader.few(rows.GET, budget.id, budget.tenant):
            raise name_taken(budget)

    async def get(self, tenant: TenantId, budget: BudgetId) -> Budget:
        found = await self.reader.few(rows.GET, budget, tenant)
        if not found:
            raise no_budget(budget)
        return rows.budget_of(found[0])

    async def all(self, tenant: TenantId | None = None) -> Sequence[Budget]:
        found = await (self.reader.few(rows.ALL) if tenant is None else self.reader.few(rows.OF_TENANT, tenant))
        return [rows.budget_of(row) for row in found]

    async def change(self, changed: Budget) -> bool:
        values = (changed.id, changed.revision, str(changed.limit), changed.unit, rows.body_of(changed))
        return bool(await self.write((rows.CHANGE, values)))

    async def remove(self, tenant: TenantId, budget: BudgetId) -> None:
        await self.get(tenant, budget)
        gone = ((rows.REMOVE, (budget, tenant)), (rows.REMOVE_ACCOUNTS, (budget,)), (rows.REMOVE_BLOCKS, (budget,)))
        if not await self.write(*gone):
            raise no_budget(budget)


def no_budget(budget: BudgetId) -> BudgetNotFound:
    return BudgetNotFound(f"there is no budget {budget}")


def name_taken(budget: Budget) -> BudgetNameTaken:
    return BudgetNameTaken(
        f"there is a budget {budget.name!r} already: give it another limit (`weft budgets raise`), remove it, or take another name"
    )
