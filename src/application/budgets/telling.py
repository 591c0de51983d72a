"""Telling that so much of a budget is used up: webhooks hear of it once, and so does the log."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import structlog

from application.budgets.views import BudgetAccountView, BudgetView
from domain.budget import Budget
from domain.budget_account import Account
from domain.ids import DeliveryId, RunId
from domain.json import JsonObject
from domain.news import RunNews
from domain.ports.clock import Clock
from domain.ports.webhooks import Deliveries, Webhooks
from domain.telling import message
from domain.webhook import Delivery

log = structlog.get_logger("application.budgets")
NO_RUN: Final = RunId("")
PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class TellOfBudget:
    webhooks: Webhooks
    deliveries: Deliveries
    clock: Clock

    async def __call__(self, budget: Budget, account: Account, percent: int) -> None:
        """However often it is asked for the same percentage of the same limit: a delivery that is there stays as it is."""
        log.warning("budget alert", budget=budget.name, subject=account.key.subject, period=account.key.period, percent=percent)
        now = self.clock.now()
        told: JsonObject = {
            "budget": BudgetView.of(budget, ()).model_dump(mode="json", exclude={"accounts"}),
            "account": BudgetAccountView.of(account, budget.unit).model_dump(mode="json", exclude={"alerted"}),
            "percent": percent,
        }
        body = json.dumps(message(RunNews.BUDGET_ALERT, now, told)).encode()
        name = _name_of(budget, account, percent)
        cursor: str | None = None
        while True:
            page = await self.webhooks.list(budget.tenant, PAGE, cursor)
            for webhook in page.items:
                if webhook.wants(RunNews.BUDGET_ALERT, (budget.scope or {}).get("workflow", "")):
                    delivery = Delivery(name, webhook.id, budget.tenant, RunNews.BUDGET_ALERT, NO_RUN, now, body, due_at=now)
                    await self.deliveries.add(delivery)
            cursor = page.next_cursor
            if cursor is None:
                return


def _name_of(budget: Budget, account: Account, percent: int) -> DeliveryId:
    """Told again of another limit."""
    about = "\n".join((*account.key, str(budget.limit), str(percent)))
    return DeliveryId(f"evt_{sha256(about.encode()).hexdigest()[:40]}_budget_alert")
