"""What is asked for when a budget is made or changed."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from application.errors import Problem, ValidationError
from domain.budget import ALERTS, TOKENS, AtLimit, Budget, Period
from domain.ids import BudgetId, TenantId
from domain.ports.clock import Clock
from domain.usage import PRICED_IN

Name = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Level: TypeAlias = Literal["user", "session", "workflow", "run", "node"]
Scope = Annotated[dict[Level, Annotated[str, Field(strict=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")]], Field()]
Alerts = Annotated[list[Annotated[int, Field(strict=True, ge=1, le=100)]], Field(max_length=10)]
Model = Annotated[str, Field(strict=True, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class LimitOrder(BaseModel):
    """Money: `amount`, a decimal number in a string, and its `currency`, which is that of all prices, USD. Or `tokens`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: Annotated[str | None, Field(strict=True, pattern=r"^[0-9]{1,9}(\.[0-9]{1,12})?$")] = None
    currency: Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$")] = PRICED_IN
    tokens: Annotated[int | None, Field(strict=True, ge=0, le=10**15)] = None

    def read(self) -> tuple[Decimal, str]:
        """The limit and its unit."""
        if self.amount is not None and self.tokens is None:
            self._check_currency()
            return Decimal(self.amount), self.currency
        if self.tokens is not None and self.amount is None:
            return Decimal(self.tokens), TOKENS
        says = "say either `amount`, with a `currency`, or `tokens`"
        raise ValidationError(f"a limit is money or tokens: {says}", [Problem("/limit", "bad_limit", says)])

    def _check_currency(self) -> None:
        if self.currency != PRICED_IN:
            wrong, right = f"a budget in {self.currency} would count nothing", f"write the limit in {PRICED_IN}"
            says = f"all prices are in {PRICED_IN}, so {wrong}: {right}"
            raise ValidationError(says, [Problem("/limit/currency", "unknown_currency", says)])


class BudgetOrder(BaseModel):
    """`scope`: whose calls count, `*` is each one for itself; without one, all of the tenant's. `per`: who and what has the whole limit
    anew. `instead`: the cheaper model, with `degrade`. `alerts`: at how many percent somebody is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Name
    limit: LimitOrder
    scope: Scope = {}
    per: Period = Period.TOTAL
    at_limit: AtLimit = AtLimit.STOP
    instead: Model = ""
    alerts: Alerts = list(ALERTS)

    def budget(self, identity: BudgetId, tenant: TenantId, clock: Clock) -> Budget:
        limit, unit = self.limit.read()
        scope: dict[str, str] = dict(self.scope.items())
        alerts = tuple(sorted(set(self.alerts)))
        return Budget(identity, tenant, self.name, clock.now(), limit, unit, self.per, scope, self.at_limit, self.instead, alerts)


class BudgetPatch(BaseModel):
    """What is said changes; the unit stays. What was used stays used."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    limit: LimitOrder | None = None
    at_limit: AtLimit | None = None
    instead: Model | None = None
    alerts: Alerts | None = None

    def applied(self, budget: Budget) -> Budget:
        limit, unit = (budget.limit, budget.unit) if self.limit is None else self.limit.read()
        if unit != budget.unit:
            says = f"the budget counts {budget.unit}; make another one for {unit}"
            raise ValidationError(says, [Problem("/limit", "bad_limit", says)])
        return replace(
            budget,
            limit=limit,
            at_limit=self.at_limit or budget.at_limit,
            instead=budget.instead if self.instead is None else self.instead,
            alerts=budget.alerts if self.alerts is None else tuple(sorted(set(self.alerts))),
        )
