"""Limits, cancellation, parking: how a run ends or leaves its worker."""

import asyncio
from decimal import Decimal

import pytest

from application.deriving import derive
from application.drive import Drive
from domain.graph.definition import Limits
from domain.ports.nodes import Finished, NodeContext, Outcome, Park
from domain.usage import Money, Usage
from tests.documents import Document, document
from tests.unit.application.engine.stage import Gate, Stage, failing

LOG = {"log": {"type": "array", "merge": "append", "default": []}}
N = {"n": {"type": "integer", "default": 0}}
FOREVER = {"a": {"kind": "transform", "writes": {"n": "${state.n + 1}"}}}


def time() -> float:
    return asyncio.get_running_loop().time()


class TestLimits:
    @pytest.mark.parametrize(
        ("limits", "code"),
        [
            pytest.param({"steps": 10}, "limit_steps", id="steps"),
            pytest.param({"visits": 10}, "limit_visits", id="visits"),
        ],
    )
    async def test_a_loop_without_end(self, stage: Stage, limits: dict[str, int], code: str) -> None:
        run = await stage.play(document(FOREVER, ["start > a", "a > a"], state=N, limits=limits))

        assert run.failure is not None
        assert (run.status, run.failure.code, run.failure.node, run.steps) == ("failed", code, "a", 10)
        assert "10" in run.failure.message

    async def test_depth(self, stage: Stage) -> None:
        nodes = {"w": {"kind": "workflow", "workflow": "self"}}
        run = await stage.play(document(nodes, ["start > w"], limits={"depth": 3}))

        assert run.failure is not None
        assert (run.failure.code, run.steps) == ("limit_depth", 4)

    async def test_fan_out_may_be_caught(self, stage: Stage) -> None:
        inner = {"nodes": {"x": {"kind": "transform"}}, "edges": [{"from": "start", "to": "x"}]}
        nodes = {
            "m": {"kind": "map", "over": [1, 2, 3], "graph": inner},
            "r": {"kind": "transform", "writes": {"log": "${error.message}"}},
        }
        run = await stage.play(document(nodes, ["start > m", "m ! r"], state=LOG, limits={"fan_out": 2}))

        assert run.output == {"log": ["m would open 3 frames; limits.fan_out is 2"]}

    @pytest.mark.parametrize(
        ("limits", "code", "says"),
        [
            pytest.param(Limits(tokens=25), "limit_tokens", "the run used 30 tokens; limits.tokens is 25", id="tokens"),
            pytest.param(Limits(cost_usd=Decimal("0.2")), "limit_cost", "the run cost 0.300000 USD; limits.cost_usd is 0.2", id="money"),
        ],
    )
    async def test_what_was_spent(self, stage: Stage, limits: Limits, code: str, says: str) -> None:
        async def act(context: NodeContext) -> Outcome:
            return Finished(None, Usage("m", 5, 10, Money(Decimal("0.15"))))

        stage.does(a=act)
        run = await stage.play(document({"a": {"kind": "act"}}, ["start > a", "a > a"]), limits=limits)

        assert run.failure is not None
        assert (run.status, run.failure.code, run.failure.node, run.failure.message) == ("failed", code, "a", says)
        assert run.usage.total_tokens == 30
        assert await stage.usage(run.id) == [("/a#1", 1, 15), ("/a#2", 1, 15)]

    @pytest.mark.parametrize("inside", [False, True], ids=["in the root", "inside a map"])
    async def test_seconds_stop_what_runs(self, stage: Stage, inside: bool) -> None:
        slow = Gate()
        stage.does(a=slow)
        inner = {"nodes": {"a": {"kind": "act"}}, "edges": [{"from": "start", "to": "a"}]}
        nodes: Document = {"m": {"kind": "map", "over": [1, 2], "graph": inner}} if inside else {"a": {"kind": "act"}}
        run = await stage.play(document(nodes, [f"start > {next(iter(nodes))}"], limits={"seconds": 30}))

        assert run.failure is not None
        assert (run.status, run.failure.code, time(), slow.ended.is_set()) == ("failed", "limit_seconds", 30.0, True)

    async def test_seconds_count_while_a_run_is_parked(self, stage: Stage) -> None:
        graph = document({"w": {"kind": "wait", "seconds": 500}}, ["start > w"], limits={"seconds": 60})
        run = await stage.play_to_the_end(graph)

        assert run.failure is not None
        assert (run.failure.code, time()) == ("limit_seconds", 60.0)

    async def test_a_run_claimed_after_its_time_fails_before_it_does_anything(self, stage: Stage) -> None:
        stage.does(a=Gate())
        run = await stage.order(document({"a": {"kind": "act"}}, ["start > a"], limits={"seconds": 60}))
        drive = await stage.open()
        await drive.append()
        await stage.store.queue.release(drive.lease)
        await stage.clock.sleep(100)
        await stage.engine.drive(await stage.open())

        assert await stage.story(run) == ["run_started", "run_ended"]
        failure = (await stage.run(run)).failure
        assert failure is not None
        assert failure.code == "limit_seconds"


class TestCancel:
    async def test_what_runs_is_stopped_and_its_tokens_are_counted(self, stage: Stage) -> None:
        slow = Gate(usage=Usage("m", 20, 2))
        stage.does(a=slow)
        run = await stage.order(document({"a": {"kind": "act"}}, ["start > a"]))
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await slow.began.wait()
        await stage.ask(run)
        await stage.deliver(drive)
        await driving

        assert await stage.story(run) == ["run_started", "cancel_requested", "usage_counted /a#1", "run_ended"]
        found = await stage.run(run)
        assert (found.status, found.failure, found.usage.total_tokens) == ("cancelled", None, 22)
        assert await stage.usage(run) == [("/a#1", 1, 22)]

    async def test_it_waits_two_seconds_for_a_node_that_does_not_stop(self, stage: Stage) -> None:
        stubborn = Gate(closing=60)
        stage.does(a=stubborn)
        run = await stage.order(document({"a": {"kind": "act"}}, ["start > a"]))
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await stubborn.began.wait()
        await stage.ask(run)
        await stage.deliver(drive)
        await driving

        assert ((await stage.run(run)).status, time()) == ("cancelled", 2.0)
        assert [entry["activation"] for entry in stage.logs if entry["event"].startswith("a node does not stop")] == ["/a#1"]
        await stubborn.ended.wait()

    async def test_it_reaches_every_frame(self, stage: Stage) -> None:
        gates = [Gate(), Gate()]

        async def act(context: NodeContext) -> Outcome:
            return await gates[0 if "[0]" in context.activation else 1](context)

        stage.does(x=act)
        inner = {"nodes": {"x": {"kind": "act"}}, "edges": [{"from": "start", "to": "x"}]}
        run = await stage.order(document({"m": {"kind": "map", "over": [1, 2], "graph": inner}}, ["start > m"]))
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await asyncio.gather(*(gate.began.wait() for gate in gates))
        await stage.ask(run)
        await stage.deliver(drive)
        await driving

        assert [gate.ended.is_set() for gate in gates] == [True, True]
        assert (await stage.run(run)).status == "cancelled"

    async def test_what_it_wrote_is_kept(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(b=gate)
        graph = document({**FOREVER, "b": {"kind": "act"}}, ["start > a", "a > b"], state=N)
        run = await stage.order(graph)
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await gate.began.wait()
        await stage.ask(run)
        await stage.deliver(drive)
        await driving
        gate.opened.set()
        again = await stage.play(graph, thread=drive.run.thread)

        assert again.output == {"n": 2}

    async def test_a_run_that_nobody_has_begun(self, stage: Stage) -> None:
        run = await stage.order(document(FOREVER, ["start > a"], state=N))
        await stage.ask(run)
        drive = await stage.open()
        await stage.deliver(drive)
        await stage.engine.drive(drive)

        assert await stage.story(run) == ["run_started", "cancel_requested", "run_ended"]

    async def test_a_parked_run_is_due_at_once(self, stage: Stage) -> None:
        run = await stage.play(document({"w": {"kind": "wait", "seconds": 900}}, ["start > w"]))
        await stage.ask(run.id)
        drive = await stage.open()
        await stage.deliver(drive)
        await stage.engine.drive(drive)

        assert ((await stage.run(run.id)).status, time()) == ("cancelled", 0.0)

    async def test_asked_twice_it_is_done_once(self, stage: Stage) -> None:
        gate = Gate(closing=1)
        stage.does(a=gate)
        run = await stage.order(document({"a": {"kind": "act"}}, ["start > a"]))
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await gate.began.wait()
        for _ in range(2):
            await stage.ask(run)
            await stage.deliver(drive)
            await asyncio.sleep(0.1)
        await driving

        assert (await stage.story(run)).count("cancel_requested") == 1
        assert await stage.store.inbox.waiting([drive.lease.thread]) == []

    async def test_of_a_finish_and_a_cancel_the_first_counts(self, stage: Stage) -> None:
        """The run has come to its end and only waits for what it stopped."""
        slow = Gate(closing=1)
        stage.does(a=slow)
        nodes = {"a": {"kind": "act"}, "w": {"kind": "wait", "seconds": 1}, "t": {"kind": "terminate"}}
        run = await stage.order(document(nodes, ["start > a", "start > w", "w > t"]))
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await asyncio.sleep(1.5)
        await stage.ask(run)
        await stage.deliver(drive)
        await driving

        assert await stage.story(run) == ["run_started", "node_finished /w#1", "terminated /t#1", "run_ended"]
        assert (await stage.run(run)).status == "completed"
        assert await stage.store.inbox.waiting([drive.lease.thread]) == []


class TestWaits:
    async def test_a_short_one_does_not_park_and_holds_no_slot(self, stage: Stage) -> None:
        nodes = {"w": {"kind": "wait", "seconds": 4.5}, "a": {"kind": "act"}}
        quick = failing()
        stage.does(a=quick)
        run = await stage.play(document(nodes, ["start > w", "start > a"], limits={"concurrency": 1}))

        assert (run.status, time(), quick.at) == ("completed", 4.5, [0.0])
        assert "node_parked /w#1" not in await stage.story(run.id)

    async def test_a_long_one_parks_until_it_is_due(self, stage: Stage) -> None:
        nodes = {"w": {"kind": "wait", "seconds": 60, "writes": {"log": "${output.woke_by}"}}}
        run = await stage.play(document(nodes, ["start > w"], state=LOG))

        (waiting,) = run.waiting_for
        assert (run.status, waiting.activation, waiting.kind, waiting.until) == ("parked", "/w#1", "timer", stage.now() + 60)
        assert await stage.store.queue.claim(stage.worker().id, 1, 30) == []
        await stage.clock.sleep(60)
        await stage.engine.drive(await stage.open())
        run = await stage.run(run.id)
        assert (run.status, run.output, run.waiting_for) == ("completed", {"log": ["timer"]}, ())
        assert await stage.story(run.id) == ["run_started", "node_parked /w#1", "node_finished /w#1", "run_ended"]

    async def test_several_park_until_the_first_is_due(self, stage: Stage) -> None:
        nodes = {name: {"kind": "wait", "seconds": seconds} for name, seconds in (("v", 90), ("w", 60))}
        run = await stage.play(document(nodes, ["start > v", "start > w"]))

        assert await stage.store.queue.next_due() == stage.now() + 60
        assert [waiting.activation for waiting in run.waiting_for] == ["/v#1", "/w#1"]

    async def test_a_run_with_something_to_do_does_not_park(self, stage: Stage) -> None:
        busy = Gate()
        stage.does(a=busy)
        await stage.order(document({"w": {"kind": "wait", "seconds": 60}, "a": {"kind": "act"}}, ["start > w", "start > a"]))
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await asyncio.sleep(70)
        assert not driving.done()
        busy.opened.set()
        await driving

        assert (drive.run.status, time()) == ("completed", 70.0)

    async def test_sync_parks_too(self, stage: Stage) -> None:
        """What stands behind the sleeper in the fixed order waits with it, and holds no worker."""
        nodes = {"w": {"kind": "wait", "seconds": 60, "writes": {"log": "w"}}, "t": {"kind": "transform", "writes": {"log": "t"}}}
        graph = document(nodes, ["start > w", "start > t"], state=LOG)
        run = await stage.play(graph, mode="sync")

        assert (run.status, time()) == ("parked", 0.0)
        await stage.clock.sleep(60)
        await stage.engine.drive(await stage.open())
        assert (await stage.run(run.id)).output == {"log": ["w", "t"]}

    @pytest.mark.parametrize("seconds", [2, 60])
    async def test_a_node_of_any_kind_ends_with_the_output_it_parked_with(self, stage: Stage, seconds: int) -> None:
        async def act(context: NodeContext) -> Outcome:
            return Park("timer", context.now() + seconds, {"mine": seconds})

        stage.does(a=act)
        nodes = {"a": {"kind": "act", "writes": {"log": "${output.mine}"}}}
        run = await stage.play_to_the_end(document(nodes, ["start > a"], state=LOG))

        assert (run.output, time()) == ({"log": [seconds]}, float(seconds))

    async def test_waits_in_the_frames_of_a_map_park_together(self, stage: Stage) -> None:
        inner = {"nodes": {"w": {"kind": "wait", "seconds": "${item * 30}"}}, "edges": [{"from": "start", "to": "w"}]}
        nodes = {"m": {"kind": "map", "over": [2, 1], "graph": inner, "writes": {"log": "${size(output)}"}}}
        run = await stage.play_to_the_end(document(nodes, ["start > m"], state=LOG))

        assert (run.output, time()) == ({"log": [2]}, 60.0)


async def test_idle_waiting_turns_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two events a drive does nothing at all, however long."""
    turns = 0

    def counted(drive: Drive) -> None:
        nonlocal turns
        turns += 1
        derive(drive)

    monkeypatch.setattr("application.engine.derive", counted)
    slow = Gate()
    stage.does(a=slow, b=slow)
    nodes = {"a": {"kind": "act"}, "b": {"kind": "act"}, "w": {"kind": "wait", "seconds": 100}}
    await stage.order(document(nodes, ["start > a", "start > b", "start > w"], limits={"concurrency": 1}))
    driving = asyncio.create_task(stage.engine.drive(await stage.open()))
    await asyncio.sleep(3000)
    before = turns
    slow.opened.set()
    await driving

    assert before < 10
