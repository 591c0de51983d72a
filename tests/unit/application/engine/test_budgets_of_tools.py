"""A tool that has a price is called when every budget has room for it, and is charged for whatever becomes of the call."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import Failure
from domain.run import events
from domain.tool import Effects, Tool, ToolExecutionResult
from domain.usage import Money
from tests.documents import Document, OneTool, document
from tests.unit.application.engine.people import Charger
from tests.unit.application.engine.stage import Stage
from tests.unit.application.engine.test_budgets import account, budget, kept_alive
from tests.unit.application.engine.test_refusing import lost_after

PRICE = Money(Decimal("0.40"))


@dataclass
class Dear(Charger):
    """It does not say what a call cost that failed."""

    def get(self, name: str) -> Tool:
        return replace(super().get(name), cost=PRICE)

    async def call(self, name: str, arguments: Any, context: Any) -> ToolExecutionResult:
        result = await super().call(name, arguments, context)
        return replace(result, cost=PRICE) if result.error is None else result


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> Dear:
    found = Dear()
    monkeypatch.setattr(OneTool, "get", lambda self, name: found.get(name))
    monkeypatch.setattr(OneTool, "call", lambda self, name, arguments, context: found.call(name, arguments, context))
    return found


def paying(*names: str) -> Document:
    pay = {"kind": "tool", "tool": "charge", "arguments": {"amount": 5}}
    edges = [f"{one} > {other}" for one, other in zip(["start", *names], names, strict=False)]
    return document(dict.fromkeys(names, pay), edges)


async def states(stage: Stage, run: Any) -> list[tuple[str, str]]:
    rows = await stage.store.usage.of_run(run.tenant, run.id)
    return [(row.activation, f"{row.state} {row.usage.cost and row.usage.cost.amount}") for row in rows]


@pytest.mark.parametrize("effects", list(Effects), ids=lambda effects: str(effects.value))
async def test_a_tool_that_does_not_fit_is_not_called(stage: Stage, dear: Dear, effects: Effects) -> None:
    dear.effects = effects
    kept = await budget(stage, "1", "USD")

    run = await stage.play(paying("a", "b", "c"))

    assert run.failure is not None
    assert (run.failure.code, run.failure.node, len(dear.calls)) == ("budget_exceeded", "c", 2)
    assert await states(stage, run) == [("/a#1", "counted 0.40"), ("/b#1", "counted 0.40")]
    assert (await account(stage, kept)).taken <= 1
    assert [row.activation for row in await stage.rows(run.id) if isinstance(row, events.EffectIntended)] == (
        ["/a#1", "/b#1"] if effects is Effects.ONCE else []
    ), "what is not called is not announced"


async def test_a_call_that_may_happen_once_is_reserved_and_announced_before_it(stage: Stage, dear: Dear) -> None:
    dear.effects = Effects.ONCE
    await budget(stage, "1", "USD")
    run = await stage.play(paying("a"))

    assert [([event.kind for event in unit.events], [row.state.value for row in unit.usage]) for unit in stage.journal.units] == [
        (["run_started"], []),
        ([], ["reserved"]),
        (["effect_intended"], []),
        (["node_finished", "run_ended"], ["counted"]),
    ]
    assert run.usage.cost == PRICE


async def test_a_call_whose_outcome_is_unknown_is_charged_what_was_reserved(stage: Stage, dear: Dear) -> None:
    dear.effects, dear.failures = Effects.ONCE, [ToolExecutionResult(error=Failure("timeout", "no answer"), unknown=True)]
    kept = await budget(stage, "1", "USD")

    run = await stage.play(paying("a"))

    assert [waiting.kind for waiting in run.waiting_for] == ["needs_attention"]
    assert await states(stage, run) == [("/a#1", "unknown 0.40")]
    await kept_alive(stage)
    assert (await account(stage, kept)).spent == PRICE.amount


async def test_a_call_that_failed_for_sure_and_cost_nothing_is_let_off(stage: Stage, dear: Dear) -> None:
    dear.effects, dear.failures = Effects.ONCE, [ToolExecutionResult(error=Failure("refused", "no"))]
    kept = await budget(stage, "1", "USD")

    run = await stage.play(paying("a"))

    assert (run.status, await states(stage, run)) == ("failed", [])
    await kept_alive(stage)
    assert (await account(stage, kept)).reserved == 0


async def test_a_call_that_was_lost_with_its_worker_is_not_reserved_again(stage: Stage, dear: Dear) -> None:
    dear.effects = Effects.ONCE
    run = await stage.order(paying("a"))

    claim = await lost_after(stage, run, "effect_intended")
    await stage.engine.drive(await stage.engine.open(claim))

    assert [waiting.kind for waiting in (await stage.run(run)).waiting_for] == ["needs_attention"]
    assert [line[3] for line in await stage.lines(run)] == ["void"], "the worker itself said that it had not begun"
    assert dear.calls == []
