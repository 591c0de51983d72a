"""Waits: for a time, for a signal, for the first of several."""

import asyncio
from math import inf
from typing import Any

import pytest

from application.drive import Drive
from domain.ids import RunId
from domain.ports.journal import Checkpoint
from domain.run import events
from domain.run.run import Run
from tests.documents import Document, document
from tests.unit.application.engine.stage import Gate, Stage

GOT = {"got": {"type": "array", "merge": "append", "default": []}}


def waiting(*names: str, **how: Any) -> Document:
    """Waits side by side, each of which notes what woke it."""
    wait = {"kind": "wait", "writes": {"got": "${[output.woke_by, output.payload]}"}, **how}
    return document(dict.fromkeys(names, wait), [f"start > {name}" for name in names], state=GOT)


async def worked(stage: Stage, run: RunId) -> Run:
    """After somebody claimed the run, and took what the inbox held for it."""
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    return await stage.run(run)


async def got(stage: Stage, run: RunId) -> Any:
    output = (await stage.run(run)).output
    assert isinstance(output, dict)
    return output["got"]


async def test_a_run_that_waits_for_a_signal_is_parked_without_an_end(stage: Stage) -> None:
    run = await stage.play(waiting("w", signal="go"))

    (what,) = run.waiting_for
    assert (run.status, what.activation, what.kind, what.signals, what.until) == ("parked", "/w#1", "signal", ("go",), None)
    assert stage.journal.units[-1].release_at == inf


async def test_a_signal_wakes_it_with_its_payload(stage: Stage) -> None:
    run = await stage.play(waiting("w", signal="go"))
    await stage.wish(run.id, "signal", name="go", payload={"n": 7})

    assert (await worked(stage, run.id)).status == "completed"
    assert await got(stage, run.id) == ["go", {"n": 7}]
    assert await stage.story(run.id) == [
        "run_started",
        "node_parked /w#1",
        "time_forgiven",
        "signal_received",
        "node_finished /w#1",
        "run_ended",
    ]


async def test_a_signal_of_another_name_is_kept_for_later(stage: Stage) -> None:
    nodes = {"a": {"kind": "wait", "signal": "first"}, "b": {"kind": "wait", "signal": "second"}}
    run = await stage.play(document(nodes, ["start > a", "a > b"]))
    await stage.wish(run.id, "signal", name="second")
    assert (await worked(stage, run.id)).status == "parked"
    await stage.wish(run.id, "signal", name="first")

    assert (await worked(stage, run.id)).status == "completed"


async def test_a_transient_signal_that_nobody_waits_for_is_dropped(stage: Stage) -> None:
    run = await stage.order(waiting("w", signal="go"))
    await stage.wish(run, "signal", name="go", transient=True)
    gone = await worked(stage, run)
    await stage.wish(run, "signal", name="go", transient=True)

    assert (gone.status, (await worked(stage, run)).status) == ("parked", "completed")


async def test_a_signal_before_the_wait_is_kept(stage: Stage) -> None:
    run = await stage.order(waiting("w", signal="go"))
    await stage.wish(run, "signal", name="go", payload=1)

    assert (await worked(stage, run)).status == "completed"
    assert await got(stage, run) == ["go", 1]


async def test_one_signal_wakes_one_wait_the_oldest_first(stage: Stage) -> None:
    run = await stage.play(waiting("a", "b", "c", signal="go"))
    for number in (1, 2):
        await stage.wish(run.id, "signal", name="go", payload=number)

    parked = await worked(stage, run.id)
    await stage.wish(run.id, "signal", name="go", payload=3)
    await worked(stage, run.id)

    assert [what.activation for what in parked.waiting_for] == ["/c#1"]
    assert await got(stage, run.id) == ["go", 1, "go", 2, "go", 3]


async def test_a_woken_wait_reads_the_state_anew(stage: Stage) -> None:
    gate = Gate()
    stage.does(b=gate)
    nodes = {
        "w": {"kind": "wait", "signal": "go", "writes": {"seen": "${state.n}"}},
        "b": {"kind": "act", "writes": {"n": "${5}"}},
    }
    state = {"n": {"type": "integer", "default": 0}, "seen": {}}
    run = await stage.order(document(nodes, ["start > w", "start > b"], state=state))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    gate.opened.set()
    await driving
    await stage.wish(run, "signal", name="go")

    done = await worked(stage, run)
    assert done.output == {"n": 5, "seen": 5}


class TestTheFirstOfSeveral:
    FIRST = [{"signal": "yes"}, {"signal": "no"}, {"seconds": 60}]  # noqa: RUF012 - a table

    async def test_it_is_parked_until_its_time_and_for_its_signals(self, stage: Stage) -> None:
        run = await stage.play(waiting("w", first=self.FIRST))

        (what,) = run.waiting_for
        assert (what.kind, what.signals, what.until) == ("signal", ("yes", "no"), stage.now() + 60)
        assert stage.journal.units[-1].release_at == stage.now() + 60

    async def test_time_wakes_it_when_no_signal_comes(self, stage: Stage) -> None:
        run = await stage.play_to_the_end(waiting("w", first=self.FIRST))

        assert (await got(stage, run.id), stage.clock.monotonic()) == (["timer", None], 60)

    async def test_either_signal_wakes_it(self, stage: Stage) -> None:
        run = await stage.play(waiting("w", first=self.FIRST))
        await stage.wish(run.id, "signal", name="no", payload="why")

        await worked(stage, run.id)
        assert await got(stage, run.id) == ["no", "why"]

    async def test_a_short_time_does_not_keep_a_signal_from_waking_it(self, stage: Stage) -> None:
        run = await stage.order(waiting("w", first=[{"signal": "yes"}, {"seconds": 3}]))
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await stage.clock.sleep(1)
        await stage.wish(run, "signal", name="yes")
        await stage.deliver(drive)
        await driving

        assert (await got(stage, run), stage.clock.monotonic()) == (["yes", None], 1)

    async def test_of_a_signal_and_a_time_at_once_the_lower_row_counts(self, stage: Stage) -> None:
        run = await stage.order(waiting("w", first=[{"signal": "yes"}, {"seconds": 3}]))
        drive = await stage.open()
        driving = asyncio.create_task(stage.engine.drive(drive))
        await stage.clock.sleep(2.5)
        await stage.wish(run, "signal", name="yes", payload=1)
        drive.wishes.extend(await stage.store.inbox.waiting([drive.lease.thread]))  # found when the timer wakes the drive
        await driving

        assert (await got(stage, run), stage.clock.monotonic()) == (["yes", 1], 3)
        assert [row.kind for row in await stage.rows(run)].count("node_finished") == 1


@pytest.mark.parametrize("kept_first", [False, True], ids=["a signal that woke it", "a signal that was kept"])
async def test_after_a_crash_behind_the_signal_the_wait_is_still_woken(stage: Stage, kept_first: bool) -> None:
    run = await stage.order(waiting("w", signal="go"))
    drive = await stage.open()
    parked = events.NodeParked(next(iter(drive.state.active)), "signal", None, None, ("go",))
    signal = events.SignalReceived("go", 1)
    for event in (signal, parked) if kept_first else (parked, signal):
        drive.record(event)
    await drive.append(release_at=stage.now())  # and then the process dies

    assert (await worked(stage, run)).status == "completed"
    assert await got(stage, run) == ["go", 1]


async def test_a_signal_sent_again_under_its_key_wakes_nobody_else(stage: Stage) -> None:
    """Whoever sent it did not hear that it was taken, and its row in the inbox is gone by then."""
    wait = {"kind": "wait", "signal": "go", "writes": {"got": "${output.payload}"}}
    run = await stage.play(document({"v": wait, "w": wait}, ["start > v", "v > w"], state=GOT))
    await stage.wish(run.id, "signal", name="go", payload=1, key="k")
    assert (await worked(stage, run.id)).status == "parked"
    await stage.wish(run.id, "signal", name="go", payload=1, key="k")
    assert (await worked(stage, run.id)).status == "parked"
    await stage.wish(run.id, "signal", name="go", payload=2, key="l")

    assert (await worked(stage, run.id)).status == "completed"
    assert await got(stage, run.id) == [1, 2]


async def test_a_wait_that_is_tried_again_keeps_its_signal(stage: Stage) -> None:
    """It has its signal in a pause, `b` writes the same channel then, and after the pause the first try is refused for that."""
    gate = Gate(output=5)
    stage.does(b=gate)
    retry = {"attempts": 3, "first_seconds": 1, "codes": ["concurrent_write"]}
    nodes = {
        "w": {"kind": "wait", "signal": "go", "writes": {"n": "${state.n + output.payload}"}, "retry": retry},
        "b": {"kind": "act", "writes": {"n": "${output}"}},
        "again": {"kind": "wait", "signal": "go"},
    }
    run = await stage.order(document(nodes, ["start > w", "start > b", "w > again"], state={"n": {"type": "integer", "default": 0}}))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.wish(run, "pause")
    await stage.wish(run, "signal", name="go", payload=10)
    await stage.deliver(drive)
    gate.opened.set()
    await driving
    await stage.wish(run, "resume")
    await worked(stage, run)

    story = [line for line in await stage.story(run) if "/w#1" in line or "/again#1" in line]
    assert story == ["node_parked /w#1", "attempt_failed /w#1", "node_finished /w#1", "node_parked /again#1"]
    finished = [row for row in await stage.rows(run) if isinstance(row, events.NodeFinished) and row.activation == "/w#1"]
    assert finished[0].updates == {"n": 15}


async def test_in_sync_mode_nothing_starts_beside_a_wait_for_a_signal(stage: Stage) -> None:
    began: list[str] = []

    async def act(context: Any) -> Any:
        began.append(context.activation)
        return await Gate()(context)

    stage.does(b=act)
    run = await stage.play(document({"w": {"kind": "wait", "signal": "go"}, "b": {"kind": "act"}}, ["start > w", "start > b"]), mode="sync")

    assert (run.status, began) == ("parked", [])


class TestTheLimitOfTime:
    async def test_time_parked_for_a_signal_does_not_count(self, stage: Stage) -> None:
        graph = waiting("w", signal="go")
        graph["limits"] = {"seconds": 100}
        run = await stage.play(graph)
        await stage.clock.sleep(1_000)
        await stage.wish(run.id, "signal", name="go")

        done = await worked(stage, run.id)
        assert (done.status, done.parked_at) == ("completed", None)
        assert [row.seconds for row in await stage.rows(run.id) if isinstance(row, events.TimeForgiven)] == [1_000]

    async def test_time_parked_for_a_time_counts(self, stage: Stage) -> None:
        graph = waiting("w", seconds=1_000)
        graph["limits"] = {"seconds": 100}
        run = await stage.play_to_the_end(graph)

        assert run.failure is not None
        assert (run.failure.code, stage.clock.monotonic()) == ("limit_seconds", 100)

    async def test_what_is_left_counts_after_the_signal(self, stage: Stage) -> None:
        nodes = {"w": {"kind": "wait", "signal": "go"}, "s": {"kind": "wait", "seconds": 1_000}}
        run = await stage.play(document(nodes, ["start > w", "w > s"], limits={"seconds": 100}))
        await stage.clock.sleep(500)
        await stage.wish(run.id, "signal", name="go")
        parked = await worked(stage, run.id)

        assert (parked.status, stage.journal.units[-1].release_at) == ("parked", stage.now() + 100)

    async def test_beside_a_timer_the_run_wakes_at_the_timer_only(self, stage: Stage) -> None:
        nodes = {"w": {"kind": "wait", "signal": "go"}, "s": {"kind": "wait", "seconds": 1_000}}
        run = await stage.play(document(nodes, ["start > w", "start > s"], limits={"seconds": 100}))
        assert stage.journal.units[-1].release_at == stage.now() + 1_000
        await stage.clock.sleep(1_000)

        assert (await worked(stage, run.id)).status == "parked"
        assert [what.kind for what in (await stage.run(run.id)).waiting_for] == ["signal"]


async def test_a_run_with_parked_waits_can_be_cancelled(stage: Stage) -> None:
    run = await stage.play(waiting("a", "b", signal="go"))
    await stage.ask(run.id)

    assert (await worked(stage, run.id)).status == "cancelled"


async def test_a_checkpoint_keeps_signals_and_who_waits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.drive.Drive._checkpoint", _always)
    nodes = {"a": {"kind": "wait", "signal": "first"}, "b": {"kind": "wait", "signal": "second"}}
    run = await stage.play(document(nodes, ["start > a", "a > b"]))
    await stage.wish(run.id, "signal", name="second")
    await worked(stage, run.id)
    checkpoint = await stage.journal.newest_checkpoint(run.tenant, run.thread)
    await stage.wish(run.id, "signal", name="first")

    assert checkpoint is not None
    assert checkpoint.position == 4
    assert (await worked(stage, run.id)).status == "completed"


def _always(drive: Drive) -> Checkpoint:
    return Checkpoint(drive.position, drive._folded())
