"""Calls that may happen at most once: announced before, never repeated by the engine, decided by a person when their outcome is unknown."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from application.drive import Drive
from domain.errors import NodeExecutionError, ToolError
from domain.graph.definition import Node
from domain.ids import DEFAULT_TENANT, Position
from domain.json import Json
from domain.ports.journal import Append
from domain.ports.nodes import Executor, Finished, Intended, NodeContext, NodeKind, Outcome, Workshop
from domain.run import events, fold, snapshot
from domain.run.run import Run
from tests.documents import Document, document
from tests.unit.application.engine.stage import ActKind, Gate, Stage

N = {"n": {"type": "integer", "default": 0}, "log": {"type": "array", "merge": "append", "default": []}}


class Refused(ToolError):
    """The world answered: it did not happen."""

    is_answer = True


@dataclass
class World:
    """Counts what reached it; then does what it was told, call by call."""

    answers: list[Any]
    keys: list[str] = field(default_factory=list)

    async def __call__(self, context: NodeContext) -> Outcome:
        self.keys.append(context.idempotency_key())
        answer = self.answers[min(len(self.keys), len(self.answers)) - 1]
        if isinstance(answer, Gate):
            return await answer(context)
        if isinstance(answer, BaseException):
            raise answer
        return Finished(answer)


class OnceKind(ActKind):
    def build(self, node: Node, workshop: Workshop) -> Executor:
        plain = super().build(node, workshop)
        return Executor(plain.run, effects=True, intend=lambda context: Intended("charge", {"amount": 5}))


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.unit.application.engine import stage

    get = stage.StageKinds.get

    def with_once(self: stage.StageKinds, name: str) -> NodeKind:
        return OnceKind("once", self.acts) if name == "once" else get(self, name)

    monkeypatch.setattr(stage.StageKinds, "get", with_once)


def charging(**more: Any) -> Document:
    return document({"pay": {"kind": "once", "writes": {"n": "${output}"}, **more}}, ["start > pay"], state=N)


async def about(stage: Stage, run: Run) -> Json:
    (waiting,) = (await stage.run(run.id)).waiting_for
    assert (waiting.kind, waiting.activation) == ("needs_attention", "/pay#1")
    return waiting.about


async def decide(stage: Stage, run: Run, decision: str, output: Json = None) -> Run:
    """What an operator's decision makes of the run."""
    known: Any = await about(stage, run)
    body = {"activation": "/pay#1", "decision": decision, "output": output, "by": "Ada", "intended_at": known["intended_at"]}
    await stage.store.inbox.put(DEFAULT_TENANT, run.thread, run.id, "resolve", body, f"resolve {known['intended_at']}")
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    return await stage.run(run.id)


async def test_the_intent_is_durable_before_the_call(stage: Stage) -> None:
    durable: list[bool] = []

    async def pay(context: NodeContext) -> Outcome:
        durable.append(any(isinstance(event, events.EffectIntended) for unit in stage.journal.units for event in unit.events))
        return Finished(7)

    stage.does(pay=pay)
    run = await stage.play(charging())

    assert (run.status, run.output, durable) == ("completed", {"n": 7, "log": []}, [True])
    assert await stage.story(run.id) == ["run_started", "effect_intended /pay#1", "node_finished /pay#1", "run_ended"]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionResetError("reset"), id="the connection was reset"),
        pytest.param(NodeExecutionError("what now", retryable=True), id="an error that is no answer, though it may be retried"),
    ],
)
async def test_a_call_without_an_answer_waits_for_a_person_and_is_never_repeated(stage: Stage, error: BaseException) -> None:
    world = World([error])
    stage.does(pay=world)
    run = await stage.play(charging(retry={"attempts": 5, "first_seconds": 0.1}))

    known: Any = await about(stage, run)
    assert (run.status, len(world.keys)) == ("parked", 1)
    assert (known["tool"], known["arguments"], known["key"]) == ("charge", {"amount": 5}, world.keys[0])


async def test_a_timeout_is_no_answer(stage: Stage) -> None:
    world = World([Gate()])
    stage.does(pay=world)
    run = await stage.play(charging(timeout_seconds=3, retry={"attempts": 5}))

    assert (run.status, len(world.keys)) == ("parked", 1)


async def test_a_refusal_is_an_answer(stage: Stage) -> None:
    world = World([Refused("no money", "declined")])
    stage.does(pay=world)
    run = await stage.play(charging())

    assert run.failure is not None
    assert (run.status, run.failure.code) == ("failed", "declined")


async def test_an_answer_that_nobody_can_use_is_not_asked_for_again(stage: Stage) -> None:
    world = World(["no number"])
    stage.does(pay=world)
    run = await stage.play(charging(retry={"attempts": 3, "first_seconds": 0.1, "codes": ["invalid_update"]}))

    assert (run.status, len(world.keys)) == ("failed", 1)


@pytest.mark.parametrize(
    ("decision", "ended", "calls"),
    [
        pytest.param("happened", ("completed", {"n": 9, "log": []}), 1, id="it happened: its output is what the person says"),
        pytest.param("did_not_happen", ("completed", {"n": 4, "log": []}), 2, id="it did not: it is called again"),
        pytest.param("failed", ("failed", None), 1, id="it failed"),
    ],
)
async def test_a_person_decides(stage: Stage, decision: str, ended: tuple[str, Any], calls: int) -> None:
    world = World([ConnectionResetError("reset"), 4])
    stage.does(pay=world)
    run = await decide(stage, await stage.play(charging()), decision, 9)

    assert ((run.status, run.output), len(world.keys), len(set(world.keys))) == (ended, calls, 1)
    assert decision != "failed" or (run.failure is not None and run.failure.code == "unknown_outcome")


async def test_the_time_until_somebody_decides_does_not_count(stage: Stage) -> None:
    stage.does(pay=World([ConnectionResetError("reset"), 4]))
    parked = await stage.play({**charging(), "limits": {"seconds": 60}})
    await stage.clock.sleep(100_000)

    assert (await decide(stage, parked, "happened", 1)).status == "completed"


async def test_a_worker_that_dies_in_the_middle_leaves_it_unknown(stage: Stage) -> None:
    gate = Gate()
    world = World([gate, 4])
    stage.does(pay=world)
    run = await stage.order(charging())
    first = asyncio.create_task(stage.engine.drive(await stage.open()))
    await gate.began.wait()
    await stage.clock.sleep(31)
    await stage.engine.drive(await stage.open())

    found = await stage.run(run)
    assert (found.status, found.waiting_for[0].kind, len(world.keys)) == ("parked", "needs_attention", 1)
    first.cancel()
    await asyncio.wait([first])


async def test_a_worker_that_lost_the_run_tells_the_answer_that_it_gets(stage: Stage) -> None:
    gate = Gate(output=6)
    world = World([gate])
    stage.does(pay=world)
    run = await stage.order(charging())
    drive = await stage.open()
    first = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.clock.sleep(31)
    await stage.engine.drive(await stage.open())
    drive.is_lost = True
    drive.wake.set()
    gate.opened.set()
    await first
    second = await stage.open()
    await stage.deliver(second)
    await stage.engine.drive(second)

    found = await stage.run(run)
    assert (found.status, found.output, len(world.keys)) == ("completed", {"n": 6, "log": []}, 1)


async def test_a_cancelled_run_says_what_is_unknown_and_gives_it_to_the_compensation(stage: Stage) -> None:
    gate = Gate()
    stage.does(pay=World([gate]))
    undo = {"kind": "transform", "writes": {"log": "${undone.activation + (undone.unknown ? ' perhaps' : '')}"}}
    nodes = {"pay": {"kind": "once", "compensate": "undo"}, "undo": undo}
    run = await stage.order(document(nodes, ["start > pay"], state=N))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.ask(run)
    await stage.deliver(drive)
    await driving

    rows = await stage.rows(run)
    assert (await stage.run(run)).status == "cancelled"
    assert [row.reason for row in rows if isinstance(row, events.EffectUnknown)] == ["it was under way when it was no longer wanted"]
    assert [row.updates for row in rows if isinstance(row, events.NodeFinished)] == [{"log": "/pay#1 perhaps"}]


async def test_other_branches_go_on_meanwhile(stage: Stage) -> None:
    stage.does(pay=World([ConnectionResetError("reset")]))
    nodes = {"pay": {"kind": "once"}, "other": {"kind": "transform", "writes": {"log": "there"}}}
    run = await stage.play(document(nodes, ["start > pay", "start > other"], state=N))

    assert run.status == "parked"
    assert "node_finished /other#1" in await stage.story(run.id)


async def test_at_whatever_row_a_worker_is_lost_the_call_is_made_once_at_most(stage: Stage) -> None:
    """A takeover after each append, and after the call: never a second one."""
    for at in range(1, 4):
        world = World([4])
        stage.does(pay=world)
        run = await stage.order(charging())
        drive = await stage.open()
        stage.journal.after = _losing(drive, at)
        await stage.engine.drive(drive)
        stage.journal.after = None
        while not (found := await stage.run(run)).status.is_final and found.status != "parked":
            await stage.clock.sleep(31)
            await stage.engine.drive(await stage.open())

        assert len(world.keys) <= 1, at


def _losing(drive: Drive, at: int) -> Callable[[Append], Any]:
    """The drive loses its lease behind so many appends."""
    seen = [0]

    async def after(append: Append) -> None:
        seen[0] += 1
        drive.is_lost = seen[0] >= at

    return after


async def test_what_is_known_survives_a_checkpoint(stage: Stage) -> None:
    stage.does(pay=World([ConnectionResetError("reset")]))
    run = await stage.order(charging())
    drive = await stage.open()
    graph, graphs = drive.loaded.by_hash[drive.run.workflow_hash].graph, drive.loaded.graphs
    await stage.engine.drive(drive)
    started, *rows = await stage.rows(run)
    assert isinstance(started, events.RunStarted)
    state = fold.begin(started, Position(1), graph, graphs, {})
    for at, row in enumerate(rows, 2):
        fold.apply(state, row, Position(at))
        again = snapshot.load(json.loads(json.dumps(snapshot.dump(state))), graph, graphs)
        assert snapshot.dump(again) == snapshot.dump(state)
