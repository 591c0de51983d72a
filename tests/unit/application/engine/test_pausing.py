"""Pause and resume."""

import asyncio
from math import inf

import pytest

from domain.errors import NodeTimeout
from domain.ids import RunId
from domain.run.run import Run, RunStatus
from tests.documents import document
from tests.unit.application.engine.stage import Gate, Stage, failing

CHAIN = document({"a": {"kind": "act"}, "b": {"kind": "act"}}, ["start > a", "a > b"])


async def worked(stage: Stage, run: RunId) -> Run:
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    return await stage.run(run)


async def paused_in_a(stage: Stage, a: Gate) -> Run:
    """A pause comes while `a` runs, and then `a` finishes."""
    run = await stage.order(CHAIN)
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await a.began.wait()
    await stage.wish(run, "pause", reason="lunch")
    await stage.deliver(drive)
    await asyncio.sleep(1)
    assert not driving.done()
    assert (await stage.run(run)).paused
    a.opened.set()
    await driving
    return await stage.run(run)


async def test_what_is_in_flight_finishes_and_nothing_new_starts(stage: Stage) -> None:
    a, b = Gate(), Gate()
    stage.does(a=a, b=b)
    run = await paused_in_a(stage, a)

    (what,) = run.waiting_for
    assert (run.status, run.paused, what.activation, what.kind, b.began.is_set()) == ("parked", True, "", "pause", False)
    assert stage.journal.units[-1].release_at == inf
    assert await stage.story(run.id) == ["run_started", "pause_requested", "node_finished /a#1"]


async def test_resumed_it_goes_on_where_it_was(stage: Stage) -> None:
    a, b = Gate(), Gate()
    stage.does(a=a, b=b)
    run = await paused_in_a(stage, a)
    b.opened.set()
    await stage.wish(run.id, "resume")

    done = await worked(stage, run.id)
    assert (done.status, done.paused) == ("completed", False)
    assert (await stage.story(run.id))[3:] == ["time_forgiven", "resumed", "node_finished /b#1", "run_ended"]


async def test_a_run_can_be_paused_many_times_and_a_second_pause_changes_nothing(stage: Stage) -> None:
    stage.does(a=failing(), b=failing())
    run = await stage.order(CHAIN)
    for kind in ("pause", "pause", "resume", "resume", "pause"):
        await stage.wish(run, kind)

    assert (await worked(stage, run)).paused
    assert await stage.story(run) == ["run_started", "pause_requested", "resumed", "pause_requested"]
    await stage.wish(run, "pause")
    assert (await worked(stage, run)).paused
    await stage.wish(run, "resume")
    assert (await worked(stage, run)).status == "completed"


async def test_it_can_be_cancelled_while_it_is_paused(stage: Stage) -> None:
    a, b = Gate(), Gate()
    stage.does(a=a, b=b)
    run = await paused_in_a(stage, a)
    await stage.ask(run.id)

    done = await worked(stage, run.id)
    assert (done.status, done.paused, b.began.is_set()) == ("cancelled", False, False)


async def test_what_finished_is_undone_although_it_is_paused(stage: Stage) -> None:
    nodes = {"a": {"kind": "act", "compensate": "u"}, "b": {"kind": "wait", "signal": "go"}, "u": {"kind": "act"}}
    stage.does(a=failing(), u=failing())
    run = await stage.play(document(nodes, ["start > a", "a > b"]))
    await stage.wish(run.id, "pause")
    await worked(stage, run.id)
    await stage.ask(run.id)

    assert (await worked(stage, run.id)).status == "cancelled"
    assert "node_finished /u#1" in await stage.story(run.id)


async def test_the_frames_of_a_map_are_paused_too(stage: Stage) -> None:
    gate = Gate()
    stage.does(x=gate)
    inner = {"nodes": {"x": {"kind": "act"}}, "edges": [{"from": "start", "to": "x"}]}
    graph = document({"m": {"kind": "map", "over": [1, 2, 3], "concurrency": 1, "graph": inner}}, ["start > m"])
    run = await stage.order(graph)
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.wish(run, "pause")
    await stage.deliver(drive)
    gate.opened.set()
    await driving
    before = [line for line in await stage.story(run) if "node_finished" in line]
    await stage.wish(run, "resume")

    assert before == ["node_finished /m#1[0]/x#1"]
    assert (await worked(stage, run)).status == "completed"


@pytest.mark.parametrize("node", [{"kind": "wait", "seconds": 3}, {"kind": "wait", "seconds": 100}], ids=["a short sleep", "a long one"])
async def test_sleeps_wait_until_it_is_resumed(stage: Stage, node: dict[str, object]) -> None:
    gate = Gate()
    stage.does(b=gate)
    run = await stage.order(document({"w": node, "b": {"kind": "act"}}, ["start > w", "start > b"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.wish(run, "pause")
    await stage.deliver(drive)
    await stage.clock.sleep(1_000)
    assert "node_finished /w#1" not in await stage.story(run)
    await stage.wish(run, "resume")
    await stage.deliver(drive)
    gate.opened.set()
    await driving

    assert (await stage.run(run)).status == "completed"


async def test_a_retry_waits_until_it_is_resumed(stage: Stage) -> None:
    a = failing(NodeTimeout("slow"))
    stage.does(a=a)
    run = await stage.order(document({"a": {"kind": "act", "retry": {"attempts": 3, "first_seconds": 3}}}, ["start > a"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await stage.clock.sleep(1)
    await stage.wish(run, "pause")
    await stage.deliver(drive)
    await driving
    parked = await stage.run(run)
    await stage.clock.sleep(1_000)
    tried = list(a.at)
    await stage.wish(run, "resume")

    assert [(what.kind, what.activation) for what in parked.waiting_for] == [("pause", ""), ("retry", "/a#1")]
    assert (tried, (await worked(stage, run)).status) == ([0], "completed")


async def test_a_signal_while_it_is_paused_wakes_after_the_resume(stage: Stage) -> None:
    run = await stage.play(document({"w": {"kind": "wait", "signal": "go"}}, ["start > w"]))
    await stage.wish(run.id, "pause")
    await stage.wish(run.id, "signal", name="go")
    held = await worked(stage, run.id)
    await stage.wish(run.id, "resume")

    assert [what.kind for what in held.waiting_for] == ["pause"]
    assert (await worked(stage, run.id)).status == "completed"


async def test_time_in_a_pause_does_not_count(stage: Stage) -> None:
    stage.does(a=failing(), b=failing())
    run = await stage.order({**CHAIN, "limits": {"seconds": 10}})
    await stage.wish(run, "pause")
    assert (await worked(stage, run)).status is RunStatus.PARKED
    await stage.clock.sleep(1_000)
    await stage.wish(run, "resume")

    assert (await worked(stage, run)).status == "completed"


async def test_a_run_that_is_taken_over_is_still_paused(stage: Stage) -> None:
    a, b = Gate(), Gate()
    stage.does(a=a, b=b)
    run = await paused_in_a(stage, a)
    await stage.wish(run.id, "signal", name="whatever")

    again = await worked(stage, run.id)
    assert (again.status, again.paused, b.began.is_set()) == ("parked", True, False)


async def test_what_ends_while_it_is_paused_ends(stage: Stage) -> None:
    gate = Gate()
    stage.does(a=gate)
    run = await stage.order(document({"a": {"kind": "act"}}, ["start > a"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.wish(run, "pause")
    await stage.deliver(drive)
    gate.opened.set()
    await driving

    done = await stage.run(run)
    assert (done.status, done.paused) == ("completed", False)
