"""Calls that may happen at most once, where something comes in between: a stop, a pause, a limit, an answer that is late."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.errors import Fenced, NodeExecutionError
from domain.ids import RunId
from domain.json import Json
from domain.ports.journal import Append
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.run import events
from domain.run.run import Run
from tests.documents import document
from tests.unit.application.engine.stage import Gate, Stage
from tests.unit.application.engine.test_once import Refused, World, about, charging, decide, once

__all__ = ["once"]  # the node kind of that name, for every test here

N = {"n": {"type": "integer", "default": 0}, "log": {"type": "array", "merge": "append", "default": []}}
UNDO = {"kind": "transform", "writes": {"log": "${undone.activation + (undone.unknown ? ' perhaps' : '')}"}}


def with_the_intent(act: Callable[[], None]) -> Callable[[Append], Awaitable[None]]:
    """Does it when the intent is durable, and the call not made yet."""

    async def after(append: Append) -> None:
        if any(isinstance(event, events.EffectIntended) for event in append.events):
            act()

    return after


async def go_on(stage: Stage, run: RunId) -> Run:
    """Another worker takes what waits, and drives the run."""
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    return await stage.run(run)


async def unknowns(stage: Stage, run: RunId) -> list[events.EffectUnknown]:
    return [row for row in await stage.rows(run) if isinstance(row, events.EffectUnknown)]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_a_worker_that_is_told_to_stop_before_the_call_leaves_it_to_the_next(stage: Stage, durability: str) -> None:
    world = World([4])
    stage.does(pay=world)
    run = await stage.order(charging(), durability=durability)
    drive = await stage.open()
    stage.journal.after = with_the_intent(lambda: setattr(drive, "is_stopping", True))
    await stage.engine.drive(drive)
    stage.journal.after = None
    assert ((await stage.run(run)).status, world.keys) == ("running", [])

    found = await go_on(stage, run)
    assert (found.status, found.output, len(world.keys)) == ("completed", {"n": 4, "log": []}, 1)
    assert await unknowns(stage, run) == []


@pytest.mark.parametrize("wish", ["pause", "cancel"])
async def test_what_came_in_before_the_call_was_announced_counts_first(stage: Stage, wish: str) -> None:
    """It came while the rows before the intent were on their way."""
    world = World([4])
    stage.does(pay=world)
    run = await stage.order(document({"pay": {"kind": "once", "compensate": "undo"}, "undo": UNDO}, ["start > pay"], state=N))
    drive = await stage.open()

    async def ask(append: Append) -> None:
        stage.journal.after = None
        await stage.ask(run, wish)
        await stage.deliver(drive)

    stage.journal.after = ask
    await stage.engine.drive(drive)

    assert world.keys == []
    assert not [row for row in await stage.rows(run) if isinstance(row, events.EffectIntended | events.NodeFinished)]


async def test_a_run_that_is_out_of_time_says_what_is_unknown_and_gives_it_to_the_compensation(stage: Stage) -> None:
    stage.does(pay=World([Gate()]))
    nodes = {"pay": {"kind": "once", "compensate": "undo"}, "undo": UNDO}
    run = await stage.play({**document(nodes, ["start > pay"], state=N), "limits": {"seconds": 10}})

    assert run.failure is not None
    assert (run.status, run.failure.code) == ("failed", "limit_seconds")
    assert [row.activation for row in await unknowns(stage, run.id)] == ["/pay#1"]
    assert [row.updates for row in await stage.rows(run.id) if isinstance(row, events.NodeFinished)] == [{"log": "/pay#1 perhaps"}]


async def test_what_is_said_of_an_earlier_call_settles_no_later_one(stage: Stage) -> None:
    """The first worker was taken for lost, somebody said that its call did not happen, and then its answer comes: a refusal."""
    first, second = Gate(), Gate(output=7)

    async def refused(context: NodeContext) -> Outcome:
        await first(context)
        raise Refused("no money", "declined")

    async def pay(context: NodeContext) -> Outcome:
        return await (second if first.began.is_set() else refused)(context)

    stage.does(pay=pay)
    run = await stage.order(charging())
    lost = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(lost))
    await first.began.wait()
    await stage.clock.sleep(31)
    known: Any = await about(stage, await go_on(stage, run))
    await stage.wish(run, "resolve", activation="/pay#1", decision="did_not_happen", intended_at=known["intended_at"])
    later = await stage.open()
    await stage.deliver(later)
    going_on = asyncio.create_task(stage.engine.drive(later))
    await second.began.wait()
    lost.is_lost = True
    lost.wake.set()
    first.opened.set()
    await driving
    await stage.deliver(later)
    second.opened.set()
    await going_on

    found = await stage.run(run)
    assert [row.decision for row in await stage.rows(run) if isinstance(row, events.EffectResolved)] == ["did_not_happen"]
    assert (found.status, found.output) == ("completed", {"n": 7, "log": []})
    assert any(line["event"] == "an answer came after it was decided" for line in stage.logs)


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        pytest.param(6, ("completed", {"n": 6, "log": []}), id="it happened"),
        pytest.param(Refused("no money", "declined"), ("completed", {"n": 0, "log": ["declined"]}), id="it was refused, and why"),
    ],
)
@pytest.mark.parametrize("durability", ["sync", "async"])
async def test_an_answer_whose_row_is_refused_is_told_to_whoever_has_the_run(
    stage: Stage, answer: Any, ended: tuple[str, Json], durability: str
) -> None:
    """The worker stalled in its call, woke up, and wrote before it heard that the run was taken away."""
    gate = Gate()

    async def pay(context: NodeContext) -> Outcome:
        await gate(context)
        if isinstance(answer, BaseException):
            raise answer
        return Finished(answer)

    stage.does(pay=pay)
    nodes = {"pay": {"kind": "once", "writes": {"n": "${output}"}}, "sorry": {"kind": "transform", "writes": {"log": "${error.code}"}}}
    edges = ["start > pay", {"from": "pay", "to": "sorry", "on_error": ["declined"]}]
    run = await stage.order(document(nodes, edges, state=N), durability=durability)
    stalled = asyncio.create_task(stage.engine.drive(await stage.open()))
    await gate.began.wait()
    await stage.clock.sleep(31)
    assert (await go_on(stage, run)).waiting_for[0].kind == "needs_attention"
    gate.opened.set()
    with pytest.raises(Fenced):
        await stalled
    found = await go_on(stage, run)

    assert (found.status, found.output) == ended


async def test_an_answer_that_is_durable_is_told_to_nobody(stage: Stage) -> None:
    gate = Gate()
    stage.does(pay=World([6]), next=gate)
    run = await stage.order(document({"pay": {"kind": "once"}, "next": {"kind": "act"}}, ["start > pay", "pay > next"], state=N))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    drive.is_lost = True
    drive.wake.set()
    await driving

    assert await stage.store.inbox.waiting([drive.lease.thread]) == []
    assert "node_finished /pay#1" in await stage.story(run)


@pytest.mark.parametrize(
    ("codes", "calls", "ended"),
    [
        pytest.param([], 1, "failed", id="that it may be tried again is not enough"),
        pytest.param(["busy"], 2, "completed", id="a code that the node names is"),
        pytest.param(["other"], 1, "failed", id="another code is not"),
    ],
)
async def test_a_refusal_is_tried_again_where_the_node_names_its_code(stage: Stage, codes: list[str], calls: int, ended: str) -> None:
    refused = Refused("not now", "busy", retryable=True)
    world = World([refused, 4])
    stage.does(pay=world)
    run = await stage.play(charging(retry={"attempts": 3, "first_seconds": 0.1, "codes": codes}))

    assert (len(world.keys), len(set(world.keys)), run.status) == (calls, 1, ended)


async def test_what_somebody_decided_is_not_tried_again(stage: Stage) -> None:
    world = World([ConnectionResetError("reset"), 4])
    stage.does(pay=world)
    parked = await stage.play(charging(retry={"attempts": 3, "first_seconds": 0.1, "codes": ["unknown_outcome"]}))
    run = await decide(stage, parked, "failed")

    assert run.failure is not None
    assert (run.status, run.failure.code, len(world.keys)) == ("failed", "unknown_outcome", 1)


async def test_an_error_edge_takes_what_somebody_said_failed(stage: Stage) -> None:
    stage.does(pay=World([ConnectionResetError("reset")]))
    nodes = {"pay": {"kind": "once"}, "sorry": {"kind": "transform", "writes": {"log": "${error.code}"}}}
    edges = ["start > pay", {"from": "pay", "to": "sorry", "on_error": ["unknown_outcome"]}]
    run = await decide(stage, await stage.play(document(nodes, edges, state=N)), "failed")

    assert (run.status, run.output) == ("completed", {"n": 0, "log": ["unknown_outcome"]})


async def test_the_call_that_is_made_again_asks_the_same_question(stage: Stage) -> None:
    """Other branches may have written meanwhile; the key is the same, and so is what is asked under it."""
    seen: list[Json] = []

    async def pay(context: NodeContext) -> Outcome:
        state: Any = context.scope["state"]
        seen.append(state["n"])
        if len(seen) == 1:
            raise ConnectionResetError("reset")
        return Finished(1)

    stage.does(pay=pay)
    nodes = {"pay": {"kind": "once"}, "other": {"kind": "transform", "writes": {"n": "${5}"}}}
    run = await decide(stage, await stage.play(document(nodes, ["start > pay", "start > other"], state=N)), "did_not_happen")

    assert (run.status, seen) == ("completed", [0, 0])


async def test_what_is_known_says_since_when(stage: Stage) -> None:
    stage.does(pay=World([ConnectionResetError("reset")]))
    run = await stage.play(charging())

    known: Any = await about(stage, run)
    assert known["since"] == stage.clock.now().isoformat()


async def test_what_somebody_said_happened_is_undone_as_such_when_the_run_is_cancelled_before_it_goes_on(stage: Stage) -> None:
    stage.does(pay=World([NodeExecutionError("no answer")]))
    nodes = {"pay": {"kind": "once", "compensate": "undo"}, "undo": UNDO}
    run = await stage.play(document(nodes, ["start > pay"], state=N))
    await stage.wish(run.id, "pause")
    known: Any = await about(stage, run)
    await stage.wish(run.id, "resolve", activation="/pay#1", decision="happened", output=9, intended_at=known["intended_at"])
    await stage.wish(run.id, "cancel")
    found = await go_on(stage, run.id)

    assert found.status == "cancelled"
    assert [row.updates for row in await stage.rows(run.id) if isinstance(row, events.NodeFinished)] == [{"log": "/pay#1"}]


@pytest.mark.parametrize("at", range(1, 5))
async def test_a_worker_that_is_lost_before_a_row_is_durable_has_called_once_at_most(stage: Stage, at: int) -> None:
    world = World([4])
    stage.does(pay=world)
    run = await stage.order(charging())
    stage.journal.before = _dying(at)
    try:
        await stage.engine.drive(await stage.open())
    except _DeathError:
        stage.journal.before = None
        await stage.clock.sleep(31)
        await go_on(stage, run)

    called, found = len(world.keys), await stage.run(run)
    assert called <= 1
    assert (found.status == "parked") == (called == 1 and not await _is_told(stage, run))


class _DeathError(Exception):
    """The process is gone."""


def _dying(at: int) -> Callable[[Append], Awaitable[None]]:
    seen = [0]

    async def before(append: Append) -> None:
        seen[0] += 1
        if seen[0] == at:
            raise _DeathError

    return before


async def _is_told(stage: Stage, run: RunId) -> bool:
    return any(isinstance(row, events.NodeFinished) for row in await stage.rows(run))
