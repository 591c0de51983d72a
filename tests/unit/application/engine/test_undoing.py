"""Sagas: what finished is undone in reverse order when its frame fails or the run is cancelled."""

import asyncio
import json
from typing import Any

import pytest

from domain.errors import NodeExecutionError
from domain.graph.compiled import CompiledGraph
from domain.ids import ContentHash, Position
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.run import events, fold, snapshot
from domain.run.run import RunStatus
from domain.run.state import RunState
from tests.documents import Document, document
from tests.unit.application.engine.stage import Act, Gate, Stage, failing

LOG = {"log": {"type": "array", "merge": "append", "default": []}}
UNDO = {"kind": "transform", "writes": {"log": "${'undo ' + undone.output.did + ' after ' + error.code}"}}


def step(undo: str = "undo", **more: Any) -> dict[str, Any]:
    return {"kind": "act", "compensate": undo, **more}


def did(what: str) -> Act:
    async def act(context: NodeContext) -> Outcome:
        return Finished({"did": what})

    return act


def undone_by(context: NodeContext) -> Any:
    return context.scope["undone"]


def saga(**more: Any) -> Document:
    """Books a flight, then a hotel, then fails to pay; `undo` undoes either."""
    nodes = {"flight": step(), "hotel": step(), "pay": {"kind": "act"}, "undo": UNDO}
    return document(nodes, ["start > flight", "flight > hotel", "hotel > pay"], state=LOG, **more)


def booking(stage: Stage, **more: Act) -> None:
    stage.does(flight=did("flight"), hotel=did("hotel"), **more)


async def test_a_failure_undoes_what_finished_the_newest_first(stage: Stage) -> None:
    booking(stage, pay=failing(NodeExecutionError("no money", "declined")))
    run = await stage.play(saga())

    assert run.failure is not None
    assert (run.status, run.failure.code, run.ending) == ("failed", "declined", None)
    assert await stage.story(run.id) == [
        "run_started",
        "node_finished /flight#1",
        "node_finished /hotel#1",
        "node_failed /pay#1",
        "node_finished /undo#1",
        "node_finished /undo#2",
        "run_ended",
    ]
    rows = await stage.rows(run.id)
    assert [row.updates["log"] for row in rows if isinstance(row, events.NodeFinished) and row.updates] == [
        "undo hotel after declined",
        "undo flight after declined",
    ]


async def test_nothing_is_undone_when_nothing_fails(stage: Stage) -> None:
    booking(stage, pay=did("pay"))
    run = await stage.play(saga())

    assert (run.status, run.output) == ("completed", {"log": []})


async def test_a_caught_failure_undoes_nothing(stage: Stage) -> None:
    booking(stage, pay=failing(NodeExecutionError("no money", "declined")))
    nodes = {"flight": step(), "pay": {"kind": "act"}, "other": {"kind": "transform"}, "undo": UNDO}
    run = await stage.play(document(nodes, ["start > flight", "flight > pay", "pay ! other"], state=LOG))

    assert (run.status, run.output) == ("completed", {"log": []})


async def test_a_cancel_undoes_what_finished(stage: Stage) -> None:
    gate = Gate()
    booking(stage, pay=gate)
    run = await stage.order(saga())
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.ask(run)
    await stage.deliver(drive)
    await driving
    ended = await stage.run(run)

    assert (ended.status, ended.failure) == ("cancelled", None)
    rows = await stage.rows(run)
    assert [row.updates["log"] for row in rows if isinstance(row, events.NodeFinished) and row.updates] == [
        "undo hotel after cancelled",
        "undo flight after cancelled",
    ]


async def test_a_limit_of_the_run_undoes_what_finished(stage: Stage) -> None:
    booking(stage, pay=Gate())
    run = await stage.play(saga(limits={"seconds": 3}))

    assert run.failure is not None
    assert (run.status, run.failure.code) == ("failed", "limit_seconds")
    assert (await stage.story(run.id))[-4:] == ["run_failing", "node_finished /undo#1", "node_finished /undo#2", "run_ended"]


async def test_a_compensation_that_fails_is_told_and_stops_no_other(stage: Stage) -> None:
    undone: list[str] = []

    async def undo(context: NodeContext) -> Outcome:
        undone.append(undone_by(context)["output"]["did"])
        if len(undone) == 1:
            raise NodeExecutionError("no answer")
        return Finished()

    booking(stage, pay=failing(NodeExecutionError("no money", "declined")), undo=undo)
    nodes = {"flight": step(), "hotel": step(), "pay": {"kind": "act"}, "undo": {"kind": "act"}}
    run = await stage.play(document(nodes, ["start > flight", "flight > hotel", "hotel > pay"], state=LOG))

    assert undone == ["hotel", "flight"]
    assert run.failure is not None
    assert (run.failure.code, run.failure.node) == ("declined", "pay")
    assert "undoing /hotel#1 failed: no answer" in run.failure.message


async def test_a_compensation_is_retried_as_its_node_says(stage: Stage) -> None:
    undo = failing(NodeExecutionError("busy", retryable=True))
    booking(stage, pay=failing(NodeExecutionError("no")), undo=undo)
    nodes = {"flight": step(), "pay": {"kind": "act"}, "undo": {"kind": "act", "retry": {"attempts": 2, "first_seconds": 2}}}
    run = await stage.play(document(nodes, ["start > flight", "flight > pay"], state=LOG))

    assert run.failure is not None
    assert (len(undo.at), "undoing" in run.failure.message) == (2, False)


async def test_while_it_is_undone_a_run_says_how_it_will_end(stage: Stage) -> None:
    gate = Gate()
    booking(stage, pay=failing(NodeExecutionError("no")), undo=gate)
    nodes = {"flight": step(), "pay": {"kind": "act"}, "undo": {"kind": "act"}}
    run = await stage.order(document(nodes, ["start > flight", "flight > pay"], state=LOG))
    driving = asyncio.create_task(stage.engine.drive(await stage.open()))
    await gate.began.wait()

    assert ((await stage.run(run)).status, (await stage.run(run)).ending) == ("running", RunStatus.FAILED)
    gate.opened.set()
    await driving
    assert ((await stage.run(run)).status, (await stage.run(run)).ending) == ("failed", None)


def nested(**more: Any) -> Document:
    """Each item books; the third fails. What the others booked is undone too, in the frames they booked in, though these are over."""
    graph = {
        "state": LOG,
        "nodes": {"book": step("undo"), "check": {"kind": "act"}, "undo": {"kind": "act"}},
        "edges": [{"from": "start", "to": "book"}, {"from": "book", "to": "check"}, {"from": "check", "to": "end"}],
    }
    each = {"kind": "map", "over": [1, 2, 3], "graph": graph, "input": {"n": "${item}"}, "concurrency": 1, **more}
    nodes = {"first": step("undo_first"), "each": each, "undo_first": {"kind": "act"}}
    return document(nodes, ["start > first", "first > each"], state=LOG)


def nested_acts(stage: Stage, undone: list[str]) -> None:
    async def check(context: NodeContext) -> Outcome:
        given: Any = context.scope["input"]
        if given["n"] == 3:
            raise NodeExecutionError("third", "bad_item")
        return Finished()

    async def undo(context: NodeContext) -> Outcome:
        undone.append(f"{context.activation} {context.scope.get('index')} {undone_by(context)['output']}")
        return Finished()

    stage.does(first=did("first"), book=did("book"), check=check, undo=undo, undo_first=undo)


async def test_what_frames_below_did_is_undone_in_reverse_order(stage: Stage) -> None:
    undone: list[str] = []
    nested_acts(stage, undone)
    run = await stage.play(nested())

    assert run.status == "failed"
    book = "{'did': 'book'}"
    assert undone == [
        f"/each#1[2]/undo#1 2 {book}",
        f"/each#1[1]/undo#1 1 {book}",
        f"/each#1[0]/undo#1 0 {book}",
        "/undo_first#1 None {'did': 'first'}",
    ]


@pytest.mark.parametrize("make", [pytest.param(saga, id="in the root"), pytest.param(nested, id="in frames that are over")])
async def test_a_run_goes_on_from_any_checkpoint(stage: Stage, make: Any) -> None:
    """Whatever a prefix of the journal made, dumped and read back, moves on as if nothing had been dumped."""
    nested_acts(stage, [])
    booking(stage, pay=failing(NodeExecutionError("no", "declined")))
    run = await stage.order(make())
    drive = await stage.open()
    graph, graphs = drive.loaded.by_hash[drive.run.workflow_hash].graph, drive.loaded.graphs
    await stage.engine.drive(drive)
    rows = await stage.rows(run)
    whole = _played(rows, len(rows), graph, graphs)

    for length in range(1, len(rows)):
        assert snapshot.dump(_played(rows, length, graph, graphs)) == snapshot.dump(whole)


def _played(rows: list[events.Event], until: int, graph: CompiledGraph, graphs: dict[ContentHash, CompiledGraph]) -> RunState:
    started = rows[0]
    assert isinstance(started, events.RunStarted)
    state = fold.begin(started, Position(1), graph, graphs, {})
    for at, row in enumerate(rows[1:], 2):
        fold.apply(state, row, Position(at))
        if at == until:
            state = snapshot.load(json.loads(json.dumps(snapshot.dump(state))), graph, graphs)
    return state


async def test_whoever_takes_over_undoes_only_what_is_left(stage: Stage) -> None:
    undone: list[str] = []

    async def undo(context: NodeContext) -> Outcome:
        undone.append(undone_by(context)["output"]["did"])
        return Finished()

    booking(stage, pay=failing(NodeExecutionError("no")), undo=undo)
    nodes = {"flight": step(), "hotel": step(), "pay": {"kind": "act"}, "undo": {"kind": "act"}}
    run = await stage.order(document(nodes, ["start > flight", "flight > hotel", "hotel > pay"], state=LOG))
    first = await stage.open()

    async def lose_the_worker(append: Any) -> None:
        if any(isinstance(event, events.NodeFinished) and "undo" in event.activation for event in append.events):
            first.is_lost = True

    stage.journal.after = lose_the_worker
    await stage.engine.drive(first)
    stage.journal.after = None
    await stage.clock.sleep(31)
    await stage.engine.drive(await stage.open())

    assert ((await stage.run(run)).status, undone.count("hotel")) == ("failed", 1)
    assert (await stage.story(run))[-3:] == ["node_finished /undo#1", "node_finished /undo#2", "run_ended"]
