"""A claimed run is driven from its first row to its last."""

import asyncio

import pytest

from domain.errors import NodeExecutionError, ThreadError
from domain.json import Json
from domain.ports.feed import Passing, Slow
from domain.ports.journal import Append, Recorded
from domain.ports.nodes import Finished, NodeContext
from domain.run import events
from tests.documents import document
from tests.unit.application.engine.stage import Gate, Stage, plain

COUNT = {"n": {"type": "integer", "default": 0}}
LOG = {"log": {"type": "array", "merge": "append", "default": []}}
ADD = {"kind": "transform", "writes": {"n": "${state.n + 1}"}}
FORK = ["start > a", "a > b", "a > c", "b > d", "c > d"]


def acting(*names: str, kind: str = "act", **nodes: object) -> dict[str, object]:
    return {**{name: {"kind": kind} for name in names}, **nodes}


async def test_a_chain_runs_from_start_to_end(stage: Stage) -> None:
    run = await stage.play(document({"a": ADD, "b": ADD}, ["start > a", "a > b", "b > end"], state=COUNT), {"n": 5})

    assert (run.status, run.output, run.steps, run.failure) == ("completed", {"n": 7}, 2, None)
    assert await stage.story(run.id) == ["run_started", "node_finished /a#1", "node_finished /b#1", "run_ended"]


async def test_the_output_is_what_the_graph_says(stage: Stage) -> None:
    run = await stage.play(document({"a": ADD}, ["start > a"], state=COUNT, output={"twice": "${state.n * 2}"}))

    assert run.output == {"twice": 2}


async def test_a_run_knows_its_first_and_last_row(stage: Stage) -> None:
    graph = document({"a": ADD}, ["start > a"], state=COUNT)
    first = await stage.play(graph)

    second = await stage.play(graph, thread=first.thread)

    assert [(run.first, run.last) for run in (first, second)] == [(0, 3), (3, 6)]


async def test_a_value_of_the_thread_that_the_workflow_does_not_take_keeps_it_from_beginning(stage: Stage) -> None:
    first = await stage.play(document({"a": ADD}, ["start > a"], state=COUNT))
    words = document({"a": {"kind": "transform"}}, ["start > a"], state={"n": {"type": "string"}})

    assert (await stage.play(words, {"n": "one"}, thread=first.thread)).status == "completed"
    with pytest.raises(ThreadError, match="the thread holds a value in channel n"):
        await stage.play(document({"a": ADD}, ["start > a"], state=COUNT), thread=first.thread)


async def test_the_next_run_of_a_thread_starts_from_its_values_and_the_input_replaces_them(stage: Stage) -> None:
    graph = document({"a": ADD}, ["start > a"], state={**COUNT, "other": {"type": "string"}})
    first = await stage.play(graph, {"n": 10, "other": "kept"})

    second = await stage.play(graph, thread=first.thread)
    third = await stage.play(graph, {"n": 0}, thread=first.thread)

    assert [run.output for run in (first, second, third)] == [
        {"n": 11, "other": "kept"},
        {"n": 12, "other": "kept"},
        {"n": 1, "other": "kept"},
    ]


async def test_branches_run_side_by_side(stage: Stage) -> None:
    b, c = Gate(), Gate()
    stage.does(b=b, c=c)
    await stage.order(document(acting("b", "c", a=ADD, d=ADD), FORK, state=COUNT))
    driving = asyncio.create_task(stage.engine.drive(await stage.open()))

    await asyncio.gather(b.began.wait(), c.began.wait())
    c.opened.set()
    await c.ended.wait()
    assert not b.ended.is_set()
    b.opened.set()
    await driving


async def test_a_node_starts_the_moment_its_own_inputs_are_settled(stage: Stage) -> None:
    """There are no supersteps: what stands behind the quick branch does not wait for the slow one."""
    slow, behind = Gate(), Gate()
    stage.does(slow=slow, behind=behind)
    edges = ["start > a", "a > slow", "a > quick", "quick > behind"]
    await stage.order(document(acting("slow", "behind", a=ADD, quick=ADD), edges, state=COUNT))
    driving = asyncio.create_task(stage.engine.drive(await stage.open()))

    await behind.began.wait()
    assert not slow.ended.is_set()
    behind.opened.set()
    slow.opened.set()
    await driving


async def test_no_more_nodes_run_at_once_than_the_limit_says(stage: Stage) -> None:
    running, most = 0, 0

    async def act(context: NodeContext) -> Finished:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1
        return Finished()

    names = [f"n{number}" for number in range(7)]
    stage.does(**dict.fromkeys(names, act))
    run = await stage.play(document(acting(*names), [f"start > {name}" for name in names], limits={"concurrency": 3}))

    assert (run.status, most) == ("completed", 3)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_a_run_that_only_computes_lets_others_have_their_turn(stage: Stage, durability: str) -> None:
    rounds = 0

    async def other() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    watching = asyncio.create_task(other())
    names = [f"n{number}" for number in range(3000)]
    edges = [{"from": "start", "to": name} for name in names]
    await stage.play(document({name: {"kind": "transform"} for name in names}, edges), durability=durability)
    watching.cancel()

    assert rounds > 3000 / 250


async def test_sync_runs_one_at_a_time_in_a_fixed_order(stage: Stage) -> None:
    running: list[str] = []
    order: list[str] = []

    async def act(context: NodeContext) -> Finished:
        running.append(context.activation)
        assert len(running) == 1
        await asyncio.sleep(1)
        order.append(running.pop())
        return Finished()

    stage.does(a=act, b=act, c=act, d=act)
    runs = [await stage.play(document(acting(*"abcd"), FORK), mode="sync") for _ in range(2)]

    assert [run.status for run in runs] == ["completed", "completed"]
    assert order == ["/a#1", "/b#1", "/c#1", "/d#1"] * 2


async def test_sync_waits_for_a_node_that_sleeps(stage: Stage) -> None:
    nodes = {"a": ADD, "w": {"kind": "wait", "seconds": 2, "writes": {"log": "w"}}, "t": {"kind": "transform", "writes": {"log": "t"}}}
    run = await stage.play(document(nodes, ["start > a", "a > w", "a > t"], state={**COUNT, **LOG}), mode="sync")

    assert run.output == {"n": 1, "log": ["w", "t"]}


class TestDurability:
    """`late` is a journal whose appends take a second."""

    @staticmethod
    def late(stage: Stage) -> list[tuple[float, list[str]]]:
        """When each append began, and its rows."""
        seen: list[tuple[float, list[str]]] = []

        async def before(append: Append) -> None:
            seen.append((asyncio.get_running_loop().time(), [event.kind for event in append.events]))
            await asyncio.sleep(1)

        stage.journal.before = before
        return seen

    async def test_sync_starts_nothing_that_depends_on_a_row_before_it_is_durable(self, stage: Stage) -> None:
        began: list[int] = []

        async def act(context: NodeContext) -> Finished:
            began.append(len(stage.journal.units))
            return Finished()

        stage.does(a=act, b=act, c=act)
        self.late(stage)
        run = await stage.play(document(acting(*"abc"), ["start > a", "a > b", "b > c"]), durability="sync")

        assert (run.status, began) == ("completed", [1, 2, 3])

    async def test_the_first_row_goes_with_the_first_result_when_that_is_only_computed(self, stage: Stage) -> None:
        seen = self.late(stage)
        graph = document({"a": ADD, "b": ADD}, ["start > a", "a > b"], state=COUNT)
        await stage.play(graph, durability="sync")

        assert [kinds for _, kinds in seen] == [["run_started", "node_finished"], ["node_finished", "run_ended"]]

    async def test_the_first_row_goes_alone_when_one_of_the_first_nodes_waits(self, stage: Stage) -> None:
        seen = self.late(stage)
        await stage.play(document(acting("w", a=ADD), ["start > a", "start > w"], state=COUNT), durability="sync")

        assert seen[0] == (0.0, ["run_started"])

    async def test_async_lets_the_next_node_run_meanwhile(self, stage: Stage) -> None:
        began: list[float] = []

        async def act(context: NodeContext) -> Finished:
            began.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.4)
            return Finished()

        stage.does(a=act, b=act, c=act)
        seen = self.late(stage)
        run = await stage.play(document(acting(*"abc"), ["start > a", "a > b", "b > c"]), durability="async")

        assert (run.status, began) == ("completed", [0.0, 0.4, 0.8])
        assert [rows for _, rows in seen] == [["run_started"], ["node_finished"] * 2, ["node_finished", "run_ended"]]
        assert await stage.story(run.id) == ["run_started", *(f"node_finished /{name}#1" for name in "abc"), "run_ended"]

    async def test_exit_appends_once(self, stage: Stage) -> None:
        graph = document({"a": ADD, "b": ADD}, ["start > a", "a > b"], state=COUNT)
        run = await stage.play(graph, durability="exit")

        assert (run.status, len(stage.journal.units), len(await stage.rows(run.id))) == ("completed", 1, 4)

    @pytest.mark.parametrize("durability", ["sync", "async", "exit"])
    async def test_an_effect_starts_only_when_all_earlier_rows_are_durable(self, stage: Stage, durability: str) -> None:
        began: list[list[str]] = []

        async def effect(context: NodeContext) -> Finished:
            began.append([event.kind for unit in stage.journal.units for event in unit.events])
            return Finished()

        stage.does(e=effect, f=effect)
        self.late(stage)
        nodes = acting("e", "f", kind="effect", a=ADD, b=ADD)
        run = await stage.play(document(nodes, ["start > a", "a > e", "e > b", "b > f"], state=COUNT), durability=durability)

        assert run.status == "completed"
        assert began == [["run_started", "node_finished"], ["run_started", *["node_finished"] * 3]]

    async def test_an_effect_waits_for_an_append_under_way(self, stage: Stage) -> None:
        """With `async` nothing may be left to write, and yet not all be kept: here its own failed attempt."""
        durable_rows: list[int] = []

        async def effect(context: NodeContext) -> Finished:
            durable_rows.append(sum(len(unit.events) for unit in stage.journal.units))
            if context.attempt == 1:
                raise NodeExecutionError("once more", retryable=True)
            return Finished()

        stage.does(e=effect)
        self.late(stage)
        nodes = {"e": {"kind": "effect", "retry": {"attempts": 2, "first_seconds": 0.25}}}
        run = await stage.play(document(nodes, ["start > e"]), durability="async")

        assert (run.status, durable_rows) == ("completed", [1, 2])

    @pytest.mark.parametrize("durability", ["sync", "async", "exit"])
    async def test_the_same_rows_whatever_the_durability(self, stage: Stage, durability: str) -> None:
        nodes = {"h": ADD, "x": {"kind": "transform", "writes": {"log": "${state.n}"}}}
        graph = document(nodes, ["start > h", "h > x ? state.n < 4", "x > h", "h > end ? state.n >= 4"], state={**COUNT, **LOG})
        run = await stage.play(graph, durability=durability)

        assert run.output == {"n": 4, "log": [1, 2, 3]}
        assert [event.kind for event in await stage.rows(run.id)] == ["run_started", *["node_finished"] * 7, "run_ended"]


async def test_readers_hear_of_a_row_when_it_is_durable(stage: Stage) -> None:
    run = await stage.order(document({"a": ADD, "b": ADD}, ["start > a", "a > b"], state=COUNT))
    found = await stage.run(run)
    async with stage.feed.listen(found.thread, run, Slow.DROP_OLDEST) as news:
        await stage.engine.drive(await stage.open())
        heard = [await anext(news) for _ in range(6)]

    assert [item.kind for item in heard if isinstance(item, Recorded)] == ["run_started", "node_finished", "node_finished", "run_ended"]
    assert [item.activation for item in heard if isinstance(item, Passing)] == ["/a#1", "/b#1"]


async def test_a_row_says_what_an_activation_read_took_and_consumed(stage: Stage) -> None:
    run = await stage.play(document({"a": ADD, "b": ADD}, ["start > a", "a > b", "b > end"], state=COUNT))

    rows = await stage.rows(run.id)

    assert rows[1] == events.NodeFinished("/a#1", {"n": 1}, ("b",), 1, (1,), None, rows[1].seconds)  # type: ignore[arg-type, union-attr]
    assert rows[2] == events.NodeFinished("/b#1", {"n": 2}, ("end",), 2, (2,), None, rows[2].seconds)  # type: ignore[arg-type, union-attr]


async def test_what_a_node_knows_of_its_attempt(stage: Stage) -> None:
    seen: list[tuple[NodeContext, dict[str, Json]]] = []

    async def act(context: NodeContext) -> Finished:
        seen.append((context, dict(context.scope)))
        return Finished({"text": "hi"})

    stage.does(a=act)
    nodes = {"a": {"kind": "act", "timeout_seconds": 7, "writes": {"log": "${output.text}"}}}
    run = await stage.play(document(nodes, ["start > a"], state=LOG), {"ticket": "T"})

    context, scope = seen[0]
    assert (context.run, context.activation, context.attempt, context.deadline_seconds) == (run.id, "/a#1", 1, 7)
    assert context.idempotency_key(2) == f"{run.id}/a#1/2"
    assert plain(scope) == {
        "state": {"log": []},
        "input": {"ticket": "T"},
        "run": {"id": run.id, "workflow": "w@1.0.0", "thread": run.thread},
    }
    assert run.output == {"log": ["hi"]}


async def test_the_unit_with_the_first_row_says_whose_it_is_and_no_other_does(stage: Stage) -> None:
    gate = Gate()
    gate.opened.set()
    stage.does(a=gate, b=gate)
    graph = document({"a": {"kind": "act"}, "b": {"kind": "act"}}, ["start > a", "a > b"])
    run = await stage.play(graph)
    again = await stage.play(graph, thread=run.thread)

    told = [(unit.told_of.id, unit.events[0].kind) for unit in stage.journal.units if unit.told_of is not None]
    assert told == [(one.id, kind) for one in (run, again) for kind in ("run_started", "node_finished")]
