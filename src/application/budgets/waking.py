"""Runs that are parked for want of money go on when there is room for them: they are answered as a person would answer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, cast

import structlog

from application.budgets.refusing import AGAIN
from application.questions import ANSWER, Given, mark_of, read
from domain.budget import Budget
from domain.budget_account import Account
from domain.ids import NewId, Position, TenantId
from domain.json import JsonObject
from domain.ports.clock import Clock
from domain.ports.inbox import Inbox
from domain.ports.repositories import Marks, RunFilter, Runs
from domain.question import BUDGET
from domain.run.run import Run, RunStatus, Waiting

log = structlog.get_logger("application.budgets")
PAGE: Final = 200
BY: Final = "weft: the budget has room"


@dataclass(frozen=True, slots=True)
class WakeParked:
    runs: Runs
    inbox: Inbox
    marks: Marks
    new_id: NewId
    clock: Clock

    async def __call__(self, budget: Budget, account: Account) -> int:
        """How many wait, whether there is room for them or not. Each that there is room for is asked to try again: not all may succeed."""
        left, waiting = account.left, 0
        async for run, one, about in self._parked(budget):
            if about.get("subject") == account.key.subject:
                waiting += 1
                needed = Decimal(str(about["needed"]))
                if needed <= left:
                    left -= needed
                    await self._wake(run, one)
        return waiting

    async def everyone(self, budget: Budget) -> None:
        """Whoever waits for it, which is gone."""
        async for run, one, _ in self._parked(budget):
            await self._wake(run, one)

    async def _parked(self, budget: Budget) -> AsyncIterator[tuple[Run, Waiting, JsonObject]]:
        """With what each shows; who came first is first."""
        for run in reversed([run async for run in self._runs(budget.tenant)]):
            for waiting in run.waiting_for:
                about = {} if waiting.about is None else cast(JsonObject, waiting.about["show"] or {})
                if waiting.kind == BUDGET and about.get("budget") == budget.id:
                    yield run, waiting, about

    async def _runs(self, tenant: TenantId) -> AsyncIterator[Run]:
        cursor: str | None = None
        while True:
            page = await self.runs.list(tenant, RunFilter(status=RunStatus.PARKED), PAGE, cursor)
            for run in page.items:
                if any(waiting.kind == BUDGET for waiting in run.waiting_for):
                    yield run
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _wake(self, run: Run, waiting: Waiting) -> None:
        assert waiting.about is not None, "a budget says what it asks"
        asked_at = Position(int(str(waiting.about["asked_at"])))
        given = Given(waiting.activation, asked_at, AGAIN, BY, self.new_id())
        first = read(await self.marks.take(run.tenant, mark_of(run.id, asked_at, self.clock.now()), given.written()))
        if first is not None:
            await self.inbox.put(run.tenant, run.thread, run.id, ANSWER, first.as_json(), first.key)
            log.info("a run goes on: its budget has room", run=run.id, activation=waiting.activation)
