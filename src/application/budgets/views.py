"""Budgets, as readers get them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from application.views import View
from domain.budget import TOKENS, AtLimit, Budget, Period, plain
from domain.budget_account import Account


class AmountView(View):
    """Money: `amount`, a decimal number in a string, and its `currency`. Or `tokens`. The others are null."""

    amount: str | None = None
    currency: str | None = None
    tokens: int | None = None

    @classmethod
    def of(cls, amount: Decimal, unit: str) -> "AmountView":
        return cls(tokens=int(amount)) if unit == TOKENS else cls(amount=plain(amount), currency=unit)


class BudgetAccountView(View):
    """`subject`: whose, the values of the budget's scope with `/` between; "" where it has none. `spent` is settled, `reserved` is for
    calls under way, `left` is neither. `alerted`: the highest percentage that was told."""

    subject: str
    period: str
    spent: AmountView
    reserved: AmountView
    left: AmountView
    alerted: int

    @classmethod
    def of(cls, account: Account, unit: str) -> "BudgetAccountView":
        spent, reserved, left = (AmountView.of(amount, unit) for amount in (account.spent, account.reserved, account.left))
        key = account.key
        return cls(subject=key.subject, period=key.period, spent=spent, reserved=reserved, left=left, alerted=account.alerted)


class BudgetView(View):
    """`accounts`: those of this period that were used, by subject, 200 at most."""

    id: str
    name: str
    limit: AmountView
    scope: dict[str, str]
    per: Period
    at_limit: AtLimit
    instead: str
    alerts: list[int]
    created_at: datetime
    accounts: list[BudgetAccountView]

    @classmethod
    def of(cls, budget: Budget, accounts: Sequence[Account]) -> "BudgetView":
        return cls(
            id=budget.id,
            name=budget.name,
            limit=AmountView.of(budget.limit, budget.unit),
            scope=dict(budget.scope or {}),
            per=budget.period,
            at_limit=budget.at_limit,
            instead=budget.instead,
            alerts=list(budget.alerts),
            created_at=budget.created_at,
            accounts=[BudgetAccountView.of(account, budget.unit) for account in accounts],
        )
