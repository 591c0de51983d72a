"""Which marks of budgets a run is told: those that are passed while it goes on, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from application.budgets.gauge import ALL, highest
from application.budgets.tills import Hold, Refusal
from domain.budget import AccountKey, Budget, plain
from domain.ids import ActivationPath
from domain.run.events import BudgetAlert
from domain.usage import Usage


@dataclass(slots=True)
class Hearing:
    """Of one run. `told`: what its rows said, by account (budget, subject, period): of which limit how many percent. `heard`: a limit, and
    up to how many percent of it nothing is news."""

    told: Mapping[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)
    heard: dict[AccountKey, tuple[Decimal, int]] = field(default_factory=dict)

    def begin(self, hold: Hold) -> None:
        """What was passed before the run's first call is no news to it."""
        for till in (part.till for part in hold.parts):
            if till.key not in self.heard or self.heard[till.key][0] != till.budget.limit:
                self._know(till.key, till.budget.limit, till.passed)

    def came(self, hold: Hold, usage: Usage, where: ActivationPath) -> Sequence[BudgetAlert]:
        hold.comes_to(usage)
        told = ((part.till, part.till.passed) for part in hold.parts)
        return [self._alert(till.budget, till.key, mark, till.spent, where) for till, mark in told if self._is_news(till.key, mark)]

    def refused(self, refusal: Refusal, where: ActivationPath) -> Sequence[BudgetAlert]:
        """A call that would not fit either if nothing else were under way counts as all of it."""
        budget, key, lack = refusal.budget, refusal.key, refusal.lack
        self._know(key, lack.limit, refusal.passed)
        mark = highest(budget.alerts, Decimal(ALL)) if lack.is_final(refusal.needed) else 0
        return [self._alert(budget, key, mark, lack.spent, where)] if self._is_news(key, mark) else []

    def _know(self, key: AccountKey, limit: Decimal, passed: int) -> None:
        """Of another limit what is not reached any more is told again when it is."""
        known = self.heard.get(key) or (limit, self._told(key, limit, passed))
        self.heard[key] = known if known[0] == limit else (limit, min(known[1], passed))

    def _told(self, key: AccountKey, limit: Decimal, passed: int) -> int:
        """By the run's own rows, also those that another worker wrote."""
        of, percent = self.told.get((key.budget, key.subject, key.period), ("", passed))
        return percent if of in ("", plain(limit)) else passed

    def _is_news(self, key: AccountKey, mark: int) -> bool:
        return mark > self.heard[key][1]

    def _alert(self, budget: Budget, key: AccountKey, mark: int, spent: Decimal, where: ActivationPath) -> BudgetAlert:
        self.heard[key] = self.heard[key][0], mark
        about = (budget.id, budget.name, key.subject, key.period)
        return BudgetAlert(where, *about, mark, plain(spent), plain(budget.limit), budget.unit)
