"""Spans of runs: which there are, what they hang from, and that another worker's fit."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from application.engine import Engine
from domain.errors import ModelError
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.ports.traces import HERE, Span
from domain.tracing import TraceContext
from tests.documents import document
from tests.unit.application.engine.stage import Stage, failing

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
BUSY = ModelError("busy", "model_unavailable", retryable=True)
N = {"n": {"type": "integer", "default": 0}}
ACT = {"kind": "act", "writes": {"n": "${output}"}}


@dataclass
class Kept:
    is_on: bool = True
    spans: list[Span] = field(default_factory=list)

    def add(self, span: Span) -> None:
        self.spans.append(span)

    def parents(self) -> Mapping[str, str]:
        """The name of what each hangs from; the last one of a name."""
        names = {span.at.span: span.name for span in self.spans}
        return {span.name: names.get(span.parent, span.parent) for span in self.spans}


@pytest.fixture
def kept(stage: Stage) -> Kept:
    kept = Kept()
    stage.engine = Engine(replace(stage.engine.tools, traces=kept), stage.engine.load)
    return kept


async def test_each_try_of_a_node_is_a_span_that_says_what_went_wrong(stage: Stage, kept: Kept) -> None:
    stage.does(a=failing(BUSY))
    rule = {**ACT, "retry": {"attempts": 2, "first_seconds": 2}}
    await stage.play_to_the_end(document({"a": rule}, ["start > a"], state=N), trace=f"00-{TRACE}-{CALLER}-01")

    tries = [span for span in kept.spans if span.name == "node a"]
    assert [(span.error, span.attributes["weft.attempt"]) for span in tries] == [("model_unavailable", 1), ("", 2)]
    assert tries[0].at.span != tries[1].at.span
    assert {span.at.trace for span in kept.spans} == {TRACE}


async def test_a_run_hangs_from_its_request_and_says_how_it_failed(stage: Stage, kept: Kept) -> None:
    stage.does(a=failing(BUSY))
    run = await stage.play(document({"a": ACT}, ["start > a"], state=N), trace=f"00-{TRACE}-{CALLER}-01")

    (whole,) = [span for span in kept.spans if span.name.startswith("run ")]
    assert (whole.parent, whole.error, whole.attributes["weft.run.status"]) == (CALLER, "model_unavailable", "failed")
    assert (whole.began, whole.ended) == (run.created_at.timestamp(), stage.now())


async def test_nodes_of_a_child_frame_hang_from_the_node_that_opened_it(stage: Stage, kept: Kept) -> None:
    async def act(context: NodeContext) -> Outcome:
        return Finished(1)

    stage.does(x=act)
    inner = {"state": {"y": {}}, "nodes": {"x": {"kind": "act", "writes": {"y": "${output}"}}}, "edges": [{"from": "start", "to": "x"}]}
    nodes = {"m": {"kind": "map", "over": [1, 2], "graph": {**inner, "output": {"y": "${state.y}"}}, "writes": {"out": "${output}"}}}
    run = await stage.play(document(nodes, ["start > m"], state={"out": {}}))

    assert run.status == "completed"
    assert kept.parents()["node x"] == "node m"
    assert kept.parents()["node m"].startswith("run ")


async def test_a_run_that_waited_is_one_trace_whoever_takes_it_up(stage: Stage, kept: Kept) -> None:
    stage.does(a=failing())
    nodes = {"rest": {"kind": "wait", "seconds": 600}, "a": ACT}
    run = await stage.order(document(nodes, ["start > rest", "rest > a"], state=N), trace=f"00-{TRACE}-{CALLER}-01")
    for name in ("first", "second"):
        worker = stage.worker(name)
        working = asyncio.create_task(worker.run())
        await stage.clock.sleep(300)
        worker.stop()
        await working
        await stage.clock.sleep(60)

    assert (await stage.run(run)).status == "completed"
    assert [span.name for span in kept.spans] == ["queue", "node rest", "node a", "run w"]
    assert {span.at.trace for span in kept.spans} == {TRACE}
    assert kept.parents()["node a"] == "run w"


async def test_a_node_knows_its_place_in_the_trace_whether_or_not_anybody_wants_spans(stage: Stage) -> None:
    places: list[TraceContext | None] = []

    async def act(context: NodeContext) -> Outcome:
        places.append(HERE.get())
        return Finished(1)

    stage.does(a=act)
    await stage.play(document({"a": ACT}, ["start > a"], state=N), trace=f"00-{TRACE}-{CALLER}-01")

    assert places[0] is not None
    assert places[0].trace == TRACE
    assert HERE.get() is None
