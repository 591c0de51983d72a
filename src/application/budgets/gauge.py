"""How far the account of a budget is used up, as far as one process knows."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.budget import Budget
from domain.budget_account import NOTHING, Account, Block, share_of

ALL: Final = 100


@dataclass(slots=True)
class Gauge:
    """`others`: settled beside this process's open block, when it last looked. `limit`: as it was then; `told`: how many percent of it were
    told by then, all of it where a call was refused. `coming`: what calls of this process came to that are not settled yet."""

    others: Decimal = NOTHING
    limit: Decimal = NOTHING
    told: int = 0
    coming: Decimal = NOTHING

    def look(self, account: Account, held: Block) -> None:
        """Before anything is asked of the account."""
        self.look_at_others(account, held)
        self.limit, self.told = account.limit, ALL if account.refused else account.alerted

    def look_at_others(self, account: Account, held: Block | None) -> None:
        row = None if held is None else account.blocks.get(held.id)
        ours = NOTHING if row is None or row.is_closed else row.used - row.reserved
        self.others = account.spent - ours

    def spent(self, held: Block | None) -> Decimal:
        own = NOTHING if held is None else held.used - held.reserved
        return self.others + own + self.coming

    def passed(self, budget: Budget, held: Block | None) -> int:
        """The highest of its marks, in percent; 0: none."""
        told = self.told if self.limit == budget.limit else 0
        return highest(budget.alerts, max(share_of(self.spent(held), budget.limit), Decimal(told)))


def highest(alerts: Iterable[int], share: Decimal) -> int:
    return max((percent for percent in alerts if percent <= share), default=0)
