"""A node's call is made when every budget that counts it has room, and what becomes of the node when none has."""

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any, cast

import pytest

from application.budgets.keeping import KeepPurse
from application.budgets.telling import TellOfBudget
from application.budgets.tending import TendBudgets
from application.budgets.waking import WakeParked
from application.budgets.watching import WatchBudgets
from domain.budget import TOKENS, AtLimit, Budget, Period
from domain.budget_account import Account
from domain.caller import Caller
from domain.errors import NodeExecutionError
from domain.ids import DEFAULT_TENANT, ActivationPath, BudgetId, RunId, WebhookId
from domain.json import Json
from domain.news import RunNews
from domain.ports.effects import Cheaper, Effect, Make, Performed
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.ports.webhooks import DeliveryFilter
from domain.run import events
from domain.run.run import RunStatus
from domain.usage import LineKey, Money, Usage, UsageState
from domain.webhook import Webhook
from infrastructure.ids import new_id
from tests.documents import document
from tests.unit.application.engine.stage import Gate, Stage

CALL: Json = {"kind": "call"}
RUN: Json = {"from": "start", "to": "run"}
TWO = document({"a": CALL, "b": CALL}, ["start > a", "a > b"])


async def answer(context: NodeContext) -> Outcome:
    return Finished(context.instead, Usage(context.instead or "m", 4, 3))


async def budget(stage: Stage, limit: str = "100", unit: str = TOKENS, **told: Any) -> Budget:
    """A run uses 7 tokens with each call, and reserves 100."""
    made = Budget(BudgetId(new_id()), DEFAULT_TENANT, f"b{len(await stage.store.budgets.all())}", stage.clock.now(), Decimal(limit), unit)
    made = replace(made, **told)
    await stage.store.budgets.add(made)
    return made


async def account(stage: Stage, budget: Budget) -> Account:
    (found,) = await stage.store.accounts.of(budget.id, [budget.period_at(stage.clock.now())], 10)
    return found


def chore(stage: Stage) -> TendBudgets:
    store = stage.store
    tell = TellOfBudget(store.webhooks, store.deliveries, stage.clock)
    return TendBudgets(
        store.budgets, store.accounts, tell, WakeParked(store.runs, store.inbox, store.marks, new_id, stage.clock), stage.clock
    )


async def kept_alive(stage: Stage) -> None:
    """As a worker does beside its runs."""
    purse = stage.engine.tools.purse
    assert purse is not None
    await KeepPurse(purse).turn()


async def go_on(stage: Stage, run: RunId) -> Any:
    await kept_alive(stage)
    await chore(stage).turn()
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    return await stage.run(run)


async def test_a_call_that_does_not_fit_fails_its_node_and_says_what_to_do(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    kept = await budget(stage)

    run = await stage.play(TWO)

    assert run.failure is not None
    assert (run.failure.code, run.failure.node, run.failure.retryable) == ("budget_exceeded", "b", False)
    assert "7 tokens of 100 tokens are used up, and it may use 100 tokens" in run.failure.message
    assert [(line[0], line[3], line[4]) for line in await stage.lines(run.id)] == [("/a#1", "counted", 7)]
    assert (await account(stage, kept)).spent + (await account(stage, kept)).reserved <= 100


async def test_an_error_edge_catches_it(stage: Stage) -> None:
    stage.does(a=answer, b=answer, c=answer)
    await budget(stage)

    run = await stage.play(document({"a": CALL, "b": CALL, "c": {"kind": "act"}}, ["start > a", "a > b", "b ! c"]))

    assert run.status is RunStatus.COMPLETED


async def test_a_line_is_in_the_ledger_only_when_its_budget_is_durably_reserved(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    kept = await budget(stage, "1000")
    seen: list[bool] = []
    ledger: dict[LineKey, int] = {}

    async def look(append: Any) -> None:
        ledger.update({row.key: row.usage.total_tokens for row in append.usage})
        if any(row.state is UsageState.RESERVED for row in append.usage):
            marked = sum(block.used for block in (await account(stage, kept)).open)
            seen.append(marked >= sum(ledger.values()))

    stage.journal.before = look
    await stage.play(TWO)

    assert seen == [True, True]


async def test_a_call_waits_while_another_that_is_under_way_may_leave_room(stage: Stage) -> None:
    gate = Gate()
    stage.does(a=gate, b=answer)
    await budget(stage, "150")

    await stage.order(document({"a": CALL, "b": CALL}, ["start > a", "start > b"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.clock.sleep(3)
    assert [line[0] for line in await stage.lines(drive.run.id)] == ["/a#1"]
    gate.opened.set()
    await driving
    await stage.clock.sleep(1)

    assert (await stage.run(drive.run.id)).status is RunStatus.COMPLETED


async def test_every_budget_that_counts_a_call_must_have_room(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    await budget(stage, "1000")
    await budget(stage, "50", scope={"node": "b"})
    await budget(stage, "10", scope={"workflow": "another"})

    run = await stage.play(TWO)

    assert run.failure is not None
    assert (run.failure.code, run.failure.node) == ("budget_exceeded", "b")


async def test_a_budget_of_a_workflow_counts_its_calls_wherever_it_is_called(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    mine, childs, others = [
        await budget(stage, "1000", scope=scope)
        for scope in ({"workflow": "w"}, {"workflow": "child", "node": "b"}, {"workflow": "child", "node": "a"})
    ]
    await stage.publish({**document({"b": CALL}, ["start > b"]), "name": "child"})
    each: Json = {"kind": "map", "over": [1, 2], "graph": {"nodes": {"run": {"kind": "workflow", "workflow": "child"}}, "edges": [RUN]}}

    await stage.play(document({"a": CALL, "each": each}, ["start > a", "a > each"]))
    await kept_alive(stage)

    assert (await account(stage, mine)).spent == 21
    assert (await account(stage, childs)).spent == 14
    assert (await account(stage, childs)).key.subject == "child/b"
    assert not await stage.store.accounts.of(others.id, [""], 10)


async def test_each_workflow_for_itself_is_each_that_was_started(stage: Stage) -> None:
    stage.does(b=answer)
    kept = await budget(stage, "1000", scope={"workflow": "*"})
    await stage.publish({**document({"b": CALL}, ["start > b"]), "name": "child"})

    await stage.play(document({"run": {"kind": "workflow", "workflow": "child"}}, ["start > run"]))
    await kept_alive(stage)

    assert (await account(stage, kept)).spent == 7
    assert (await account(stage, kept)).key.subject == "w"


async def test_each_run_has_a_budget_per_run_for_itself(stage: Stage) -> None:
    stage.does(a=answer)
    await budget(stage, period=Period.RUN)

    runs = [await stage.play(document({"a": CALL}, ["start > a"])) for _ in range(3)]

    assert [run.status for run in runs] == [RunStatus.COMPLETED] * 3


async def test_a_run_that_is_parked_goes_on_when_its_budget_is_raised(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    kept = await budget(stage, at_limit=AtLimit.PARK)
    run = await stage.play(TWO)
    (waiting,) = run.waiting_for
    assert (run.status, waiting.kind, waiting.activation, waiting.until) == (RunStatus.PARKED, "budget", "/b#1", None)
    await chore(stage).turn()
    assert not await stage.store.queue.claim(stage.worker().id, 1, 30)

    await stage.store.budgets.change(replace(kept, limit=Decimal(107)))
    run = await go_on(stage, run.id)

    assert run.status is RunStatus.COMPLETED
    assert [row[2] for row in await stage.usage(run.id)] == [7, 7]


async def test_a_run_that_is_parked_goes_on_in_the_next_period(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    await budget(stage, at_limit=AtLimit.PARK, period=Period.DAY)

    run = await stage.play_to_the_end(TWO)

    assert run.status is RunStatus.COMPLETED
    assert stage.clock.monotonic() >= 12 * 3_600


async def test_a_person_stops_what_is_parked(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    await budget(stage, at_limit=AtLimit.PARK)
    run = await stage.play(TWO)
    asked_at = (run.waiting_for[0].about or {})["asked_at"]

    await stage.wish(run.id, "answer", activation="/b#1", asked_at=asked_at, answer="stop", request="r")
    run = await go_on(stage, run.id)

    assert run.failure is not None
    assert run.failure.code == "budget_exceeded"


async def test_a_cheaper_model_is_called_instead(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    kept = await budget(stage, at_limit=AtLimit.DEGRADE, instead="small")

    run = await stage.play(TWO)

    assert run.status is RunStatus.COMPLETED
    rows = await stage.store.usage.of_run(run.tenant, run.id)
    assert [row.usage.model for row in rows] == ["m", "small"]
    assert (await account(stage, kept)).taken <= 100


async def test_a_cheaper_model_that_does_not_fit_either_is_not_called(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    await budget(stage, "9", at_limit=AtLimit.DEGRADE, instead="small")

    run = await stage.play(TWO)

    assert run.failure is not None
    assert (run.failure.code, run.failure.node) == ("budget_exceeded", "a")


async def test_a_call_without_a_price_is_refused_by_a_budget_of_money(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    await budget(stage, "100", "USD")

    run = await stage.play(TWO)

    assert run.failure is not None
    assert (run.failure.code, run.failure.node) == ("price_unknown", "a")


@pytest.mark.parametrize(
    ("counts", "costs", "says"),
    [
        ("USD", "EUR", "m costs EUR, and the budget 'b0' counts USD: give it a price in it, or call another"),
        ("EUR", "USD", "m costs USD, and the budget 'b0' counts EUR: make a budget in USD in its place"),
    ],
)
async def test_a_call_in_another_currency_is_refused_and_not_let_pass_uncounted(stage: Stage, counts: str, costs: str, says: str) -> None:
    async def one(context: NodeContext) -> Outcome:
        effect = Effect("model", "m", "digest", Usage("m", 1, 0, Money(Decimal(1), costs)))
        return Finished(await context.perform(effect, making([], "m", 1)))

    stage.does(a=one)
    await budget(stage, "100", counts)

    run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"]))

    assert run.failure is not None
    assert (run.failure.code, run.failure.message) == ("price_unknown", says)
    assert await stage.usage(run.id) == []


async def test_a_call_that_came_to_another_currency_than_it_reserved_is_charged_as_reserved(stage: Stage) -> None:
    async def make(number: int) -> Performed:
        return Performed(number, Usage("m", 1, 0, Money(Decimal(1), "EUR")))

    async def one(context: NodeContext) -> Outcome:
        return Finished(await context.perform(Effect("model", "m", "digest", Usage("m", 1, 0, Money(Decimal(60)))), make))

    stage.does(a=one)
    kept = await budget(stage, "100", "USD")
    run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"]))
    await kept_alive(stage)

    assert run.status is RunStatus.COMPLETED
    assert (await account(stage, kept)).spent == 60


async def test_a_run_that_is_cancelled_while_its_call_waits_leaves_nothing_reserved(stage: Stage) -> None:
    gate = Gate()
    stage.does(a=gate, b=answer)
    kept = await budget(stage, "150")
    await stage.order(document({"a": CALL, "b": CALL}, ["start > a", "start > b"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()

    await stage.ask(drive.run.id)
    await stage.deliver(drive)
    await driving
    await stage.clock.sleep(1)
    purse = drive.tools.purse
    assert purse is not None
    (till,) = purse.holdings.tills.values()

    assert till.block is not None
    assert [till.block.used, till.block.reserved, len(purse.line.holds)] == [0, 0, 0]
    assert kept.id == till.key.budget


@pytest.mark.parametrize("at_limit", [AtLimit.PARK, AtLimit.STOP])
async def test_a_node_that_makes_several_calls_repeats_none_when_it_had_to_wait(stage: Stage, at_limit: AtLimit) -> None:
    made: list[int] = []

    async def make(number: int) -> Performed:
        made.append(number)
        return Performed(number, Usage("m", 30, 30))

    async def several(context: NodeContext) -> Outcome:
        effects = [Effect("model", "m", str(number), Usage("m", 30, 30)) for number in (1, 2)]
        return Finished([await context.perform(effect, make) for effect in effects])

    stage.does(a=several)
    kept = await budget(stage, at_limit=at_limit)
    run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"]))
    assert made == [1]
    if at_limit is AtLimit.STOP:
        assert run.failure is not None
        assert run.failure.code == "budget_exceeded"
        return

    assert [waiting.kind for waiting in run.waiting_for] == ["budget"]
    await stage.store.budgets.change(replace(kept, limit=Decimal(120)))
    run = await go_on(stage, run.id)

    assert (run.status, made) == (RunStatus.COMPLETED, [1, 2])


async def test_a_block_that_others_closed_is_corrected_when_its_call_is_settled(stage: Stage) -> None:
    gate = Gate()
    stage.does(a=gate)
    kept = await budget(stage, "150")
    await stage.order(document({"a": CALL}, ["start > a"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.clock.sleep(60)
    await chore(stage).turn()
    assert (await account(stage, kept)).spent == 100

    gate.output = None
    gate.opened.set()
    await driving
    assert drive.tools.purse is not None
    await kept_alive(stage)
    await stage.clock.sleep(1)

    assert (await account(stage, kept)).taken == 0


async def test_who_listens_is_told_once_of_each_share_of_a_budget(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    kept = await budget(stage, "20", scope={"workflow": "w"})
    webhook = Webhook(
        WebhookId(new_id()), DEFAULT_TENANT, stage.clock.now(), "http://127.0.0.1/x", (RunNews.BUDGET_ALERT,), ("whsec_" + "A" * 32,)
    )
    await stage.store.webhooks.add(webhook)

    def spend(amount: int, account: Account) -> None:
        account.taken, account.is_awake = Decimal(amount), True

    key = kept.account(Caller(DEFAULT_TENANT, RunId("r"), ActivationPath("/a#1"), workflow="w@1.0.0"), stage.clock.now())
    assert key is not None
    for amount in (9, 10, 11, 17, 17, 20):
        await stage.store.accounts.change(key, partial(spend, amount))
        await chore(stage).turn()
        await chore(stage).turn()

    log = await stage.store.deliveries.list(webhook, DeliveryFilter(), 10, None)
    assert len(log.items) == 3
    assert [entry["percent"] for entry in stage.logs if entry["event"] == "budget alert"] == [50, 80, 100]


def cheaper_by(asked: list[str], own: Usage) -> Effect:
    """A call of `m`, or of whatever is cheaper: that uses and reserves 20."""

    def instead(model: str) -> Cheaper:
        return Cheaper(Usage(model, 10, 10), making(asked, model, 20))

    return Effect("model", "m", "digest", own, instead=instead)


def making(asked: list[str], model: str, tokens: int) -> Make:
    async def make(number: int) -> Performed:
        asked.append(model)
        return Performed(model, Usage(model, tokens, 0))

    return make


async def test_a_cheaper_model_takes_the_place_of_one_of_several_calls_and_stays_what_was_kept(stage: Stage) -> None:
    asked: list[str] = []

    async def several(context: NodeContext) -> Outcome:
        said = [await context.perform(cheaper_by(asked, Usage("m", 30, 30)), making(asked, "m", 60)) for _ in range(3)]
        if context.attempt == 1:
            raise NodeExecutionError("once more", retryable=True)
        return Finished(cast(Json, said))

    stage.does(a=several)
    kept = await budget(stage, at_limit=AtLimit.DEGRADE, instead="small")
    node: Json = {"kind": "act", "retry": {"attempts": 2, "first_seconds": 0.1}, "writes": {"said": "${output}"}}
    run = await stage.play_to_the_end(document({"a": node}, ["start > a"], state={"said": {}}))

    assert (run.status, asked) == (RunStatus.COMPLETED, ["m", "small", "small"])
    assert run.output == {"said": ["m", "small", "small"]}
    effects = [row for row in await stage.rows(run.id) if isinstance(row, events.EffectFinished)]
    assert [row.name for row in effects] == ["m", "small", "small"]
    assert [row.usage.model for row in await stage.store.usage.of_run(run.tenant, run.id)] == ["m", "small", "small"]
    await kept_alive(stage)
    assert (await account(stage, kept)).taken == 100


async def test_two_budgets_that_name_what_the_other_one_refuses_stop_in_the_end(stage: Stage) -> None:
    costs = {"m": (60, "1"), "short": (20, "1"), "cheap": (60, "0.01")}

    def most(model: str) -> Usage:
        tokens, dollars = costs[model]
        return Usage(model, tokens, 0, Money(Decimal(dollars)))

    async def one(context: NodeContext) -> Outcome:
        effect = Effect("model", "m", "digest", most("m"), instead=lambda model: Cheaper(most(model), making([], model, 1)))
        return Finished(await context.perform(effect, making([], "m", 1)))

    stage.does(a=one)
    await budget(stage, "50", at_limit=AtLimit.DEGRADE, instead="short")
    await budget(stage, "0.5", "USD", at_limit=AtLimit.DEGRADE, instead="cheap")
    run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"]))

    assert run.failure is not None
    assert run.failure.code == "budget_exceeded"


async def test_calls_beside_one_that_parks_the_node_are_not_made_behind_its_back(stage: Stage) -> None:
    asked: list[str] = []
    gate = Gate()

    async def held(number: int) -> Performed:
        await gate(cast(Any, None))
        return Performed(0, Usage("m", 10, 0))

    async def several(context: NodeContext) -> Outcome:
        small, large = Usage("m", 60, 0), Usage("m", 150, 0)
        first = context.perform(Effect("tool", "held", "1", small), held)
        second = context.perform(Effect("tool", "waits", "2", small), making(asked, "waits", 60))

        async def third() -> Json:
            await gate.began.wait()
            return await context.perform(Effect("tool", "never", "3", large), making(asked, "never", 1))

        return Finished(await asyncio.gather(first, second, third()))

    stage.does(a=several)
    await budget(stage, at_limit=AtLimit.PARK)
    await stage.order(document({"a": {"kind": "act"}}, ["start > a"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.clock.sleep(3)
    gate.opened.set()
    await driving
    await stage.clock.sleep(1)

    assert ((await stage.run(drive.run.id)).status, asked) == (RunStatus.PARKED, [])


@dataclass
class Gauges:
    shown: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def budget_seen(self, name: str, spent: Decimal, limit: Decimal) -> None:
        self.shown[name] = spent, limit

    def budget_gone(self, name: str) -> None:
        del self.shown[name]


async def test_where_a_budget_stands_is_shown_until_it_is_gone(stage: Stage) -> None:
    stage.does(a=answer, b=answer)
    kept = await budget(stage, "1000", period=Period.DAY)
    gauges = Gauges()
    watch = WatchBudgets(stage.store.budgets, stage.store.accounts, gauges, stage.clock)
    await stage.play(TWO)
    await kept_alive(stage)

    await watch.turn()
    assert gauges.shown == {"default/b0": (Decimal(14), Decimal(1000))}
    await stage.clock.sleep(86_400)
    await watch.turn()
    assert gauges.shown == {"default/b0": (Decimal(0), Decimal(1000))}, "a new day"
    await stage.store.budgets.remove(kept.tenant, kept.id)
    await watch.turn()
    assert gauges.shown == {}
