"""Child frames: `map` and `workflow` nodes."""

import asyncio
from typing import Any

import pytest

from domain.errors import NodeExecutionError
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.run import events
from domain.usage import Usage
from tests.documents import Document, document
from tests.unit.application.engine.stage import Gate, Stage, failing

OUT: Document = {"out": {}}
LOG = {"log": {"type": "array", "merge": "append", "default": []}}
HANDLED = {"kind": "transform", "writes": {"log": "${error.code + ': ' + error.message}"}}


def over(items: object, node: dict[str, Any] | None = None, **of_map: Any) -> Document:
    """A map whose frames run one node `x`."""
    inner = {"state": {"y": {}}, "nodes": {"x": node or {"kind": "act", "writes": {"y": "${output}"}}}, "edges": ["start > x"]}
    inner["edges"] = [{"from": "start", "to": "x"}]
    inner["output"] = {"y": "${state.y}"}
    nodes = {
        "m": {"kind": "map", "over": items, "graph": inner, "writes": {"out": "${output}"}, **of_map},
        "r": {**HANDLED},
    }
    return document(nodes, ["start > m", "m ! r"], state={**OUT, **LOG})


async def item_of(context: NodeContext) -> int:
    item = context.scope["item"]
    assert isinstance(item, int)
    return item


async def test_results_stand_in_item_order_whatever_order_they_come_in(stage: Stage) -> None:
    async def act(context: NodeContext) -> Outcome:
        item = await item_of(context)
        await asyncio.sleep(10 - item)
        return Finished(item * 10)

    stage.does(x=act)
    run = await stage.play(over([1, 2, 3]))

    assert run.output == {"out": [{"y": 10}, {"y": 20}, {"y": 30}], "log": []}


async def test_at_most_so_many_frames_are_open(stage: Stage) -> None:
    open_now, most = 0, 0

    async def act(context: NodeContext) -> Outcome:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(1)
        open_now -= 1
        return Finished(await item_of(context))

    stage.does(x=act)
    run = await stage.play(over([1, 2, 3, 4, 5], concurrency=2))

    assert (run.status, most, asyncio.get_running_loop().time()) == ("completed", 2, 3.0)


async def test_each_frame_knows_its_item_and_index(stage: Stage) -> None:
    node = {"kind": "transform", "writes": {"y": "${item + ' ' + string(index)}"}}
    run = await stage.play(over(["a", "b"], node))

    assert run.output == {"out": [{"y": "a 0"}, {"y": "b 1"}], "log": []}


async def test_a_map_over_nothing_gives_an_empty_list(stage: Stage) -> None:
    run = await stage.play(over([]))

    assert run.output == {"out": [], "log": []}


async def test_the_first_failure_ends_the_map_and_names_what_it_cut_off(stage: Stage) -> None:
    slow = Gate()

    async def act(context: NodeContext) -> Outcome:
        if await item_of(context) == 1:
            raise NodeExecutionError("no", "bad")
        return await slow(context)

    stage.does(x=act)
    run = await stage.play(over([0, 1]))

    assert run.output == {"log": ["bad: a frame of m failed at x: no"]}
    assert slow.ended.is_set()
    assert [row.cancelled for row in await stage.rows(run.id) if isinstance(row, events.FrameEnded)] == [("/m#1[0]/x#1",)]


async def test_collected_failures_stand_among_the_results(stage: Stage) -> None:
    async def act(context: NodeContext) -> Outcome:
        if await item_of(context) == 1:
            raise NodeExecutionError("no", "bad")
        return Finished("fine")

    stage.does(x=act)
    run = await stage.play(over([0, 1], on_item_error="collect"))

    error = {"code": "bad", "message": "no", "node": "x", "attempt": 1}
    assert run.output == {"out": [{"y": "fine"}, {"error": error}], "log": []}


async def test_enough_stops_the_rest(stage: Stage) -> None:
    slow = Gate()

    async def act(context: NodeContext) -> Outcome:
        return Finished("won") if await item_of(context) == 1 else await slow(context)

    stage.does(x=act)
    run = await stage.play(over([0, 1, 2], enough=1))

    assert (run.output, slow.ended.is_set()) == ({"out": [{"y": "won"}], "log": []}, True)
    assert [row.cancelled for row in await stage.rows(run.id) if isinstance(row, events.FrameEnded)] == [("/m#1[0]/x#1", "/m#1[2]/x#1")]


async def test_a_stopped_item_that_answers_late_does_not_disturb_its_successor(stage: Stage) -> None:
    """The map fails, is tried again, and opens frames of the same names while an old call is still on its way out."""
    first, second = Gate(), Gate(output="new")

    async def stubborn(context: NodeContext) -> Outcome:
        try:
            return await first(context)
        except asyncio.CancelledError:
            await asyncio.sleep(1.5)
            return Finished("old")

    tried: list[int] = []

    async def act(context: NodeContext) -> Outcome:
        item = await item_of(context)
        tried.append(item)
        if len(tried) == 2:
            raise NodeExecutionError("no", "bad", retryable=True)
        if len(tried) == 1:
            return await stubborn(context)
        return Finished("quick") if item == 1 else await second(context)

    stage.does(x=act)
    await stage.order(over([0, 1], retry={"attempts": 2, "first_seconds": 1}))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await second.began.wait()
    await asyncio.sleep(1)

    assert list(drive.tasks) == ["/m#1[0]/x#1"]
    assert not driving.done()
    second.opened.set()
    await driving
    assert drive.run.output == {"out": [{"y": "new"}, {"y": "quick"}], "log": []}


async def test_tokens_of_a_map_that_is_tried_again_are_counted_each_time(stage: Stage) -> None:
    """Its items have the names, and the attempts, of those before."""
    tried: list[str] = []

    async def act(context: NodeContext) -> Outcome:
        tried.append(context.activation)
        return Finished(None, Usage("m", 10, 0))

    async def once(context: NodeContext) -> Outcome:
        if len(tried) == 1:
            raise NodeExecutionError("no", "bad", retryable=True)
        return Finished()

    stage.does(x=act, y=once)
    inner = {"nodes": {"x": {"kind": "act"}, "y": {"kind": "act"}}, "edges": [{"from": "start", "to": "x"}, {"from": "x", "to": "y"}]}
    nodes = {"m": {"kind": "map", "over": [1], "graph": inner, "retry": {"attempts": 2, "first_seconds": 1}}}
    run = await stage.play(document(nodes, ["start > m"]))

    assert (run.status, tried, run.usage.total_tokens) == ("completed", ["/m#1[0]/x#1"] * 2, 20)
    assert await stage.usage(run.id) == [("/m#1[0]/x#1", 1, 10), ("/m#1[0]/x#1", 2, 10)]


async def test_a_map_may_run_a_published_workflow(stage: Stage) -> None:
    inner = document({"a": {"kind": "transform", "writes": {"n": "${input.n + 1}"}}}, ["start > a"], name="inner", state={"n": {}})
    await stage.publish(inner)
    nodes = {"m": {"kind": "map", "over": [{"n": 1}, {"n": 2}], "workflow": "inner@1.0.0", "writes": {"out": "${output}"}}}
    run = await stage.play(document(nodes, ["start > m"], state=OUT))

    assert run.output == {"out": [{"n": 2}, {"n": 3}]}


async def test_a_workflow_node_gives_what_its_child_made(stage: Stage) -> None:
    inner = document(
        {"a": {"kind": "transform", "writes": {"n": "${input.n + 1}"}}},
        ["start > a"],
        name="inner",
        state={"n": {}},
        output={"n": "${state.n}"},
    )
    await stage.publish(inner)
    nodes = {"w": {"kind": "workflow", "workflow": "inner", "input": {"n": 41}, "writes": {"out": "${output.n}"}}}
    run = await stage.play(document(nodes, ["start > w"], state=OUT))

    assert run.output == {"out": 42}


async def test_the_versions_that_a_run_uses_are_those_of_its_start(stage: Stage) -> None:
    def version(number: str, says: str) -> Document:
        return document({"a": {"kind": "transform", "writes": {"s": says}}}, ["start > a"], name="inner", version=number, state={"s": {}})

    gate = Gate()
    stage.does(g=gate)
    await stage.publish(version("1.0.0", "old"))
    nodes = {"g": {"kind": "act"}, "w": {"kind": "workflow", "workflow": "inner", "writes": {"out": "${output.s}"}}}
    run = await stage.order(document(nodes, ["start > g", "g > w"], state=OUT))
    driving = asyncio.create_task(stage.engine.drive(await stage.open()))
    await gate.began.wait()
    await stage.publish(version("2.0.0", "new"))
    gate.opened.set()
    await driving

    assert (await stage.run(run)).output == {"out": "old"}


async def test_a_workflow_may_run_itself(stage: Stage) -> None:
    nodes = {
        "test": {"kind": "transform", "writes": {"n": "${input.n}"}},
        "w": {"kind": "workflow", "workflow": "self", "input": {"n": "${state.n - 1}"}, "writes": {"n": "${output.n + 1}"}},
    }
    edges = ["start > test", "test > w ? state.n > 0", "test > end ? state.n == 0"]
    run = await stage.play(document(nodes, edges, state={"n": {"type": "integer", "on_conflict": "last"}}), {"n": 3})

    assert (run.status, run.output, run.steps) == ("completed", {"n": 3}, 7)


async def test_a_failing_child_fails_the_node_that_opened_it_and_may_be_caught(stage: Stage) -> None:
    stage.does(a=failing(NodeExecutionError("no", "bad")))
    await stage.publish(document({"a": {"kind": "act"}}, ["start > a"], name="inner"))
    nodes = {"w": {"kind": "workflow", "workflow": "inner"}, "r": HANDLED}
    run = await stage.play(document(nodes, ["start > w", "w ! r"], state=LOG))

    assert run.output == {"log": ["bad: a frame of w failed at a: no"]}
    assert await stage.story(run.id) == [
        "run_started",
        "frames_opened /w#1",
        "node_failed /w#1[0]/a#1",
        "frame_ended /w#1[0]",
        "node_failed /w#1",
        "node_finished /r#1",
        "run_ended",
    ]


@pytest.mark.parametrize(
    ("inner", "given", "says"),
    [
        pytest.param(
            {"input": {"type": "object", "required": ["n"]}},
            {},
            "w: input 0 does not fit inner",
            id="an input that the child's schema refuses",
        ),
        pytest.param(
            {"state": {"n": {"type": "integer"}}},
            {"n": "x"},
            "w: input 0 starts channel n with a value",
            id="a value that its channel refuses",
        ),
        pytest.param({"output": {"x": "${state.gone}"}}, {}, "a frame of w failed at its end", id="an output that cannot be told"),
    ],
)
async def test_what_a_child_refuses(stage: Stage, inner: dict[str, Any], given: dict[str, Any], says: str) -> None:
    await stage.publish(document({"a": {"kind": "transform"}}, ["start > a"], name="inner", **inner))
    nodes = {"w": {"kind": "workflow", "workflow": "inner", "input": given}}
    run = await stage.play(document(nodes, ["start > w"]))

    assert run.failure is not None
    assert says in run.failure.message


async def test_terminate_in_a_child_ends_that_child_alone(stage: Stage) -> None:
    inner = {
        "nodes": {"t": {"kind": "terminate", "output": "${item}"}, "s": {"kind": "act"}},
        "edges": [{"from": "start", "to": "t"}, {"from": "start", "to": "s"}],
    }
    gate = Gate()
    stage.does(s=gate)
    nodes = {"m": {"kind": "map", "over": [1, 2], "graph": inner, "writes": {"out": "${output}"}}}
    run = await stage.play(document(nodes, ["start > m"], state=OUT))

    assert run.output == {"out": [1, 2]}


@pytest.mark.parametrize(("status", "failure"), [("completed", None), ("failed", "terminated")])
async def test_terminate_in_the_root_ends_the_run_and_stops_what_runs(stage: Stage, status: str, failure: str | None) -> None:
    gate = Gate()
    stage.does(s=gate)
    nodes = {"s": {"kind": "act"}, "t": {"kind": "terminate", "status": status, "output": {"so": 1}}}
    run = await stage.play(document(nodes, ["start > s", "start > t"]))

    assert (run.status, run.output, run.failure and run.failure.code) == (status, {"so": 1}, failure)
    assert [row.cancelled for row in await stage.rows(run.id) if isinstance(row, events.Terminated)] == [("/s#1",)]


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_conditions_of_start_are_asked_in_every_frame(stage: Stage, mode: str) -> None:
    inner = {
        "state": {"y": {}},
        "nodes": {"even": {"kind": "transform", "writes": {"y": "even"}}, "odd": {"kind": "transform", "writes": {"y": "odd"}}},
        "edges": [{"from": "start", "to": "even", "when": "item % 2 == 0"}, {"from": "start", "to": "odd", "when": "item % 2 == 1"}],
        "output": {"is": "${state.y}"},
    }
    nodes = {"m": {"kind": "map", "over": [1, 2], "graph": inner, "writes": {"out": "${output}"}}}
    run = await stage.play(document(nodes, ["start > m"], state=OUT), mode=mode)

    assert run.output == {"out": [{"is": "odd"}, {"is": "even"}]}


async def test_a_frame_whose_start_cannot_be_told_fails_its_map(stage: Stage) -> None:
    inner = {
        "nodes": {"x": {"kind": "transform"}},
        "edges": [{"from": "start", "to": "x", "when": "item.gone == 1"}],
    }
    nodes = {"m": {"kind": "map", "over": [{}, {}], "graph": inner}, "r": HANDLED}
    run = await stage.play(document(nodes, ["start > m", "m ! r"], state=LOG))

    assert run.status == "completed"
    assert isinstance(run.output, dict)
    assert run.output["log"][0].startswith("edge_failed: a frame of m failed at its end: edge e0 from start")
