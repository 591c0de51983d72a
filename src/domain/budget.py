"""Budgets: how much money or how many tokens whose calls may use, and in what time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from domain.caller import Caller
from domain.errors import PriceUnknown
from domain.ids import BudgetId, TenantId
from domain.usage import PRICED_IN, Usage

TOKENS: Final = "tokens"
EACH: Final = "*"
"""In a scope: each one for itself."""
LEVELS: Final = ("user", "session", "workflow", "run", "node")
"""Of a scope, the outermost first; above them all is the tenant."""
ALERTS: Final = (50, 80, 100)


class Period(StrEnum):
    """`RUN`: each run has the whole limit for itself. Days and months are those of UTC."""

    RUN = "run"
    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


class AtLimit(StrEnum):
    """What becomes of a call that does not fit any more. `DEGRADE`: it is made with a cheaper model instead. `PARK`: its run waits."""

    STOP = "stop"
    DEGRADE = "degrade"
    PARK = "park"


class AccountKey(NamedTuple):
    """Whose use of a budget is summed up, in which period. `subject`: the callers' values on the levels of the budget's scope, with `/`
    between (one inside is `%2F`); "" where the scope has none. `period`: `2026-11-21`, `2026-11`, or "" for one that does not end."""

    budget: BudgetId
    subject: str
    period: str


@dataclass(frozen=True, slots=True)
class Budget:
    """`scope`: level -> whose calls count, all of them on a level that is not named. `unit`: `tokens` or a currency. `instead`: the model
    that is called at the limit with `DEGRADE`. `alerts`: at how many percent of the limit somebody is told. `revision` grows with every
    change."""

    id: BudgetId
    tenant: TenantId
    name: str
    created_at: datetime
    limit: Decimal
    unit: str
    period: Period = Period.TOTAL
    scope: Mapping[str, str] | None = None
    at_limit: AtLimit = AtLimit.STOP
    instead: str = ""
    alerts: tuple[int, ...] = ALERTS
    revision: int = 0

    @property
    def levels(self) -> dict[str, str]:
        """The scope, with runs told apart where each has the limit for itself."""
        scope = dict(self.scope or {})
        return {"run": EACH, **scope} if self.period is Period.RUN else scope

    @property
    def is_of_one_run(self) -> bool:
        """Is each account that of one run, which one worker has at a time?"""
        return "run" in self.levels

    def account(self, caller: Caller, now: datetime) -> AccountKey | None:
        """The account that a call counts on; None: it does not concern this budget."""
        if caller.tenant != self.tenant:
            return None
        levels = self.levels
        values = [(levels[level], self._value_of(caller, level)) for level in LEVELS if level in levels]
        if not all(value and wanted in (EACH, value) for wanted, value in values):
            return None
        return AccountKey(self.id, "/".join(_escaped(value) for _, value in values), self.period_at(now))

    def _value_of(self, caller: Caller, level: str) -> str:
        match level:
            case "workflow":
                return self._workflow(caller)
            case "node":
                return caller.node
            case "run":
                return caller.run
            case "session":
                return caller.session
            case _:
                return caller.user

    def _workflow(self, caller: Caller) -> str:
        """The run's own, or one that it calls, where the scope names that."""
        named = (self.scope or {}).get("workflow", "")
        return named if named in caller.within else caller.workflow.partition("@")[0]

    def period_at(self, now: datetime) -> str:
        """`now` in UTC."""
        match self.period:
            case Period.DAY:
                return now.date().isoformat()
            case Period.MONTH:
                return f"{now:%Y-%m}"
            case _:
                return ""

    def turns_at(self, now: datetime) -> datetime | None:
        """When the next period begins; None: never."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        match self.period:
            case Period.DAY:
                return midnight + timedelta(days=1)
            case Period.MONTH:
                return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
            case _:
                return None

    def amount(self, usage: Usage) -> Decimal:
        """What of a use this budget counts. `PriceUnknown` where it counts money, and the price is unknown or in another currency."""
        if self.unit == TOKENS:
            return Decimal(usage.total_tokens)
        if usage.cost is None:
            raise PriceUnknown(
                f"the price of {usage.model} is unknown, and the budget {self.name!r} counts {self.unit}: give the model a price, "
                "or call another"
            )
        if usage.cost.currency != self.unit:
            way = "give it a price in it, or call another" if self.unit == PRICED_IN else f"make a budget in {PRICED_IN} in its place"
            raise PriceUnknown(f"{usage.model} costs {usage.cost.currency}, and the budget {self.name!r} counts {self.unit}: {way}")
        return usage.cost.amount

    def written(self, amount: Decimal) -> str:
        """For people: `5 USD`, `1200 tokens`."""
        return f"{plain(amount)} {self.unit}"


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace("/", "%2F")


def plain(amount: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    return format(amount.normalize(), "f") if amount else "0"
