"""A run says by a row of its own that so much of a budget which counts it is used up: each mark once."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from application.budgets.desk import HEARD_SECONDS
from application.budgets.keeping import KeepPurse
from domain.budget import AtLimit, Budget, Period
from domain.budget_account import Account, Block
from domain.ids import BlockId, RunId
from domain.json import Json
from domain.ports.effects import Effect, Performed
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.run import events
from domain.run.run import RunStatus
from domain.usage import Usage
from tests.documents import document
from tests.unit.application.engine.stage import Gate, Stage
from tests.unit.application.engine.test_budgets import CALL, TWO, account, budget, chore, go_on

ONE = document({"a": CALL}, ["start > a"])
THREE = document({"a": CALL, "b": CALL, "c": CALL}, ["start > a", "a > b", "b > c"])


async def sixty(context: NodeContext) -> Outcome:
    return Finished(context.instead, Usage(context.instead or "m", 40, 20))


async def heard(stage: Stage, run: RunId) -> list[tuple[str, int, str]]:
    alerts = [row for row in await stage.rows(run) if isinstance(row, events.BudgetAlert)]
    return [(row.activation, row.percent, row.spent) for row in alerts]


@dataclass
class Held(Gate):
    """As a gate, and its call comes to so much."""

    tokens: int = 0

    async def __call__(self, context: NodeContext) -> Outcome:
        await Gate.__call__(self, context)
        return Finished(None, Usage("m", self.tokens, 0))


@pytest.fixture
def everywhere(stage: Stage) -> Stage:
    """Every call comes to 60 tokens, and reserves 100."""
    stage.does(a=sixty, b=sixty, c=sixty)
    return stage


async def test_the_call_that_passes_a_mark_is_followed_by_a_row_that_says_so(everywhere: Stage) -> None:
    kept = await budget(everywhere, "240", scope={"workflow": "w"})

    run = await everywhere.play(THREE)

    assert run.status is RunStatus.COMPLETED
    alerts = [row for row in await everywhere.rows(run.id) if isinstance(row, events.BudgetAlert)]
    assert [(row.activation, row.percent) for row in alerts] == [("/b#1", 50)]
    (row,) = alerts
    assert (row.budget, row.name, row.subject, row.period) == (kept.id, "b0", "w", "")
    assert (row.spent, row.limit, row.unit) == ("120", "240", "tokens")
    assert (await everywhere.story(run.id))[-3:-1] == ["budget_alert /b#1", "node_finished /c#1"]


async def test_the_last_call_of_a_run_says_so_before_the_run_ends(everywhere: Stage) -> None:
    await budget(everywhere, "120")

    run = await everywhere.play(ONE)

    assert (await everywhere.story(run.id))[-3:] == ["node_finished /a#1", "budget_alert /a#1", "run_ended"]


async def test_of_several_marks_at_once_the_highest_is_told(everywhere: Stage) -> None:
    await budget(everywhere, "101", alerts=(10, 20, 55, 100))

    run = await everywhere.play(ONE)

    assert await heard(everywhere, run.id) == [("/a#1", 55, "60")]


@pytest.mark.parametrize("at_limit", AtLimit)
async def test_a_call_that_is_refused_counts_as_all_of_it(everywhere: Stage, at_limit: AtLimit) -> None:
    await budget(everywhere, "150", at_limit=at_limit, instead="small")

    run = await everywhere.play(TWO)

    assert await heard(everywhere, run.id) == [("/b#1", 100, "60")]


async def test_calls_of_a_node_that_makes_several_say_so_too(stage: Stage) -> None:
    async def make(number: int) -> Performed:
        return Performed(number, Usage("m", 60, 0))

    async def several(context: NodeContext) -> Outcome:
        return Finished([await context.perform(Effect("model", "m", str(n), Usage("m", 60, 40)), make) for n in range(3)])

    stage.does(a=several)
    await budget(stage, "200")

    run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"]))

    assert await heard(stage, run.id) == [("/a#1", 50, "120"), ("/a#1", 100, "120")]


async def test_calls_that_come_back_together_pass_a_mark_once(stage: Stage) -> None:
    gates = Held(tokens=70), Held(tokens=70)
    stage.does(a=gates[0], b=gates[1])
    await budget(stage, "240")

    await stage.order(document({"a": CALL, "b": CALL}, ["start > a", "start > b"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    for gate in gates:
        await gate.began.wait()
    for gate in gates:
        gate.opened.set()
    await driving

    assert [percent for _, percent, _ in await heard(stage, drive.run.id)] == [50]


async def test_a_mark_that_was_passed_before_a_run_began_is_no_news_to_it(everywhere: Stage) -> None:
    await budget(everywhere, "400")
    runs = [await everywhere.play(ONE) for _ in range(5)]

    assert [[percent for _, percent, _ in await heard(everywhere, run.id)] for run in runs] == [[], [], [], [50], []]


async def test_a_run_that_was_parked_hears_no_mark_twice(everywhere: Stage) -> None:
    kept = await budget(everywhere, "150", at_limit=AtLimit.PARK)
    run = await everywhere.play(TWO)
    assert [percent for _, percent, _ in await heard(everywhere, run.id)] == [100]
    (waiting,) = run.waiting_for

    await everywhere.wish(run.id, "answer", activation="/b#1", asked_at=(waiting.about or {})["asked_at"], answer="again", request="r")
    run = await go_on(everywhere, run.id)
    assert run.status is RunStatus.PARKED
    assert [percent for _, percent, _ in await heard(everywhere, run.id)] == [100]

    await raise_to(everywhere, kept, 160)
    run = await go_on(everywhere, run.id)
    assert run.status is RunStatus.COMPLETED
    assert [percent for _, percent, _ in await heard(everywhere, run.id)] == [100, 50], "of the new limit"


async def test_a_run_that_goes_on_hears_what_was_passed_meanwhile(everywhere: Stage) -> None:
    kept = await budget(everywhere, "1000")
    run = await rested(everywhere, kept, first=500)
    assert [percent for _, percent, _ in await heard(everywhere, run)] == [50]

    await spend(everywhere, kept, 300)
    await everywhere.wish(run, "signal", name="go")
    await go_on(everywhere, run)

    assert [percent for _, percent, _ in await heard(everywhere, run)] == [50, 80]


async def test_a_run_hears_no_mark_twice_where_its_worker_does_not_know_yet_what_was_spent(everywhere: Stage) -> None:
    kept = await budget(everywhere, "240", period=Period.RUN)
    run = await rested(everywhere, kept, first=120)
    purse = everywhere.engine.tools.purse
    assert purse is not None
    (till,) = purse.holdings.tills.values()

    till.gauge.others -= 30
    await everywhere.wish(run, "signal", name="go")
    await go_on(everywhere, run)

    assert till.spent == 150
    assert [percent for _, percent, _ in await heard(everywhere, run)] == [50]


async def rested(stage: Stage, kept: Budget, first: int) -> RunId:
    """A run that waits between two calls; the first comes to so much."""

    async def begins(context: NodeContext) -> Outcome:
        return Finished(None, Usage("m", first, 0))

    stage.does(a=begins)
    nodes: dict[str, Json] = {"a": CALL, "rest": {"kind": "wait", "signal": "go"}, "b": CALL}
    return (await stage.play(document(nodes, ["start > a", "a > rest", "rest > b"]))).id


async def spend(stage: Stage, kept: Budget, amount: int) -> None:
    """As another process does."""

    def work(account: Account) -> None:
        account.lease(Block(BlockId("theirs")), Decimal(amount), Decimal(amount), 0.0, alone=False)
        account.close(Block(BlockId("theirs"), Decimal(amount), Decimal(amount)))

    await stage.store.accounts.change((await account(stage, kept)).key, work)


async def raise_to(stage: Stage, kept: Budget, limit: int) -> None:
    """As the desk does."""
    await stage.store.budgets.change(replace(kept, limit=Decimal(limit)))
    await stage.store.accounts.change((await account(stage, kept)).key, lambda account: account.arm(kept.alerts))
    await stage.clock.sleep(HEARD_SECONDS)


async def test_what_other_processes_spend_counts_for_those_who_are_under_way(everywhere: Stage) -> None:
    """With the next call of theirs that comes back."""
    kept = await budget(everywhere, "1000")
    gate = Held(tokens=1)
    everywhere.does(a=gate)
    await everywhere.order(ONE)
    drive = await everywhere.open()
    driving = asyncio.create_task(everywhere.engine.drive(drive))
    await gate.began.wait()
    purse = everywhere.engine.tools.purse
    assert purse is not None
    await KeepPurse(purse).turn()

    await spend(everywhere, kept, 600)
    await replace(chore(everywhere), purse=purse).turn()
    gate.opened.set()
    await driving

    assert await heard(everywhere, drive.run.id) == [("/a#1", 50, "601")]
