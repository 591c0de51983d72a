"""Breakpoints: a run stops before or after the nodes that its order names, once at each visit."""

from typing import Any

import pytest

from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.run.run import Run
from tests.documents import document
from tests.unit.application.engine.people import worked
from tests.unit.application.engine.stage import Stage

N = {"n": {"type": "integer", "default": 0, "merge": "add"}}


@pytest.fixture
def began(stage: Stage) -> list[str]:
    found: list[str] = []

    async def act(context: NodeContext) -> Outcome:
        found.append(context.activation)
        return Finished(1)

    stage.does(a=act, b=act, c=act)
    return found


def chain(kind: str = "act") -> dict[str, Any]:
    nodes = {name: {"kind": kind, "writes": {"n": "${output}"}} for name in "abc"}
    return document(nodes, ["start > a", "a > b", "b > c"], state=N)


async def resumed(stage: Stage, run: Run) -> Run:
    await stage.wish(run.id, "resume")
    return await worked(stage, run.id)


def where(run: Run) -> list[tuple[str, str]]:
    return [(waiting.kind, waiting.activation) for waiting in run.waiting_for]


@pytest.mark.parametrize("kind", ["act", "at_once", "effect"])
@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_it_stops_before_and_after_each_once(stage: Stage, began: list[str], kind: str, mode: str) -> None:
    run = await stage.play(chain(kind), mode=mode, pause_before=("b",), pause_after=("b", "c"))
    assert (run.status, run.paused, where(run), began) == ("parked", True, [("pause", "/b#1")], ["/a#1"])
    run = await resumed(stage, run)
    assert (run.status, where(run), began) == ("parked", [("pause", "/b#1")], ["/a#1", "/b#1"])
    run = await resumed(stage, run)
    assert (run.status, where(run), began) == ("parked", [("pause", "/c#1")], ["/a#1", "/b#1", "/c#1"])
    run = await resumed(stage, run)

    assert (run.status, run.output, run.paused) == ("completed", {"n": 3}, False)


async def test_the_journal_says_where(stage: Stage, began: list[str]) -> None:
    run = await stage.play(chain(), pause_before=("a",))
    await resumed(stage, run)

    assert (await stage.story(run.id))[:4] == ["run_started", "pause_requested /a#1", "time_forgiven", "resumed"]


async def test_it_stops_at_every_visit_of_a_loop(stage: Stage, began: list[str]) -> None:
    again = {"from": "a", "route": [{"when": "state.n < 3", "to": "a"}], "otherwise": "end"}
    run = await stage.play(
        document({"a": {"kind": "act", "writes": {"n": "${output}"}}}, ["start > a", again], state=N), pause_before=("a",)
    )
    stops = []
    while run.status == "parked":
        stops += where(run)
        run = await resumed(stage, run)

    assert stops == [("pause", f"/a#{visit}") for visit in (1, 2, 3)]


async def test_it_stops_within_a_map(stage: Stage, began: list[str]) -> None:
    inner = {"nodes": {"a": {"kind": "act"}}, "edges": [{"from": "start", "to": "a"}]}
    run = await stage.play(document({"m": {"kind": "map", "over": [1, 2], "graph": inner}}, ["start > m"]), pause_before=("a",))
    assert where(run) == [("pause", "/m#1[0]/a#1")]
    run = await resumed(stage, run)

    assert where(run) == [("pause", "/m#1[1]/a#1")]


async def test_a_worker_that_takes_over_stops_nowhere_twice(stage: Stage, began: list[str]) -> None:
    run = await stage.play(chain(), pause_before=("b",))
    await stage.wish(run.id, "resume")
    lost = await stage.open()
    await stage.deliver(lost)
    await stage.store.queue.release(lost.lease)
    run = await worked(stage, run.id)

    assert (run.status, began) == ("completed", ["/a#1", "/b#1", "/c#1"])


async def test_a_run_that_stands_behind_its_last_node_can_be_cancelled(stage: Stage, began: list[str]) -> None:
    run = await stage.play(chain(), pause_after=("c",))
    assert where(run) == [("pause", "/c#1")]
    await stage.ask(run.id)

    assert (await worked(stage, run.id)).status == "cancelled"


async def test_what_was_in_flight_finishes_first(stage: Stage, began: list[str]) -> None:
    nodes = {name: {"kind": "act", "writes": {"n": "${output}"}} for name in "abc"}
    run = await stage.play(document(nodes, ["start > a", "start > b", "a > c", "b > c"], state=N), pause_before=("b",))

    assert (where(run), began) == ([("pause", "/b#1")], ["/a#1"])
