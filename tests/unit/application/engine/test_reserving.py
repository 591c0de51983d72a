"""What a call may use is in the ledger before it is made, and is settled by what became of it."""

import asyncio
from typing import Any

import pytest

from domain.errors import Fenced, NodeExecutionError, Poisoned
from domain.json import Json
from domain.ports.journal import Append
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.run.run import Run
from domain.usage import Usage
from tests.documents import Document, document
from tests.unit.application.engine.stage import Gate, Stage, failing

USED, RESERVED = 7, 100
CALL: Json = {"kind": "call"}
ONE = document({"a": CALL}, ["start > a"])


async def answer(context: NodeContext) -> Outcome:
    return Finished(None, Usage("m", 4, 3))


def written(stage: Stage) -> list[tuple[list[str], list[str]]]:
    """Of each unit: its rows and its lines."""
    return [
        ([event.kind for event in unit.events], [f"{row.activation} {row.state}" for row in unit.usage]) for unit in stage.journal.units
    ]


async def lost(stage: Stage, graph: Document, **how: Any) -> tuple["asyncio.Task[None]", Gate]:
    """A worker that was stopped in the middle of the call of `a`, until its lease was over."""
    gate = Gate()
    stage.does(a=gate)
    await stage.order(graph, **how)
    stalled = asyncio.create_task(stage.engine.drive(await stage.engine.open(await stage.claim(lease_seconds=1))))
    await gate.began.wait()
    await stage.clock.sleep(2)
    stage.does(a=answer)
    return stalled, gate


async def come_back(stalled: "asyncio.Task[None]", gate: Gate) -> None:
    """The answer reaches the worker that had asked, and it finds its run taken away."""
    gate.opened.set()
    with pytest.raises(Fenced):
        await stalled


async def test_a_call_begins_when_its_line_is_durable_and_costs_no_unit_of_its_own(stage: Stage) -> None:
    seen: list[Json] = []

    async def look(context: NodeContext) -> Outcome:
        seen.append([*await stage.lines(context.run)][-1])
        return await answer(context)

    stage.does(a=look, b=look)
    run = await stage.play(document({"a": CALL, "b": CALL}, ["start > a", "a > b"]))

    assert seen == [("/a#1", 1, 1, "reserved", RESERVED), ("/b#1", 1, 1, "reserved", RESERVED)]
    assert await stage.lines(run.id) == [("/a#1", 1, 1, "counted", USED), ("/b#1", 1, 1, "counted", USED)]
    assert written(stage) == [
        (["run_started"], ["/a#1 reserved"]),
        (["node_finished"], ["/a#1 counted", "/b#1 reserved"]),
        (["node_finished", "run_ended"], ["/b#1 counted"]),
    ]
    assert (run.usage.calls, run.usage.total_tokens, run.usage.unknown) == (2, 2 * USED, 0)


async def test_calls_that_begin_together_are_reserved_together_and_no_more_than_there_is_room_for(stage: Stage) -> None:
    stage.does(a=answer)
    inner = {"nodes": {"a": CALL}, "edges": [{"from": "start", "to": "a"}]}
    graph = document({"m": {"kind": "map", "over": "${[1, 2, 3, 4, 5]}", "graph": inner}}, ["start > m"], limits={"concurrency": 3})
    run = await stage.play(graph)

    most = [sum("reserved" in line for line in lines) for _, lines in written(stage)]
    assert (run.status, run.usage.calls, max(most), sum(most)) == ("completed", 5, 3, 5)


async def test_an_attempt_that_used_nothing_leaves_no_line_and_the_next_one_has_its_own(stage: Stage) -> None:
    stage.does(a=failing(NodeExecutionError("busy", retryable=True)))
    graph = document({"a": {"kind": "call", "retry": {"attempts": 2, "first_seconds": 1}}}, ["start > a"])
    run = await stage.play(graph)

    assert run.status == "completed"
    assert [line[1:4] for line in await stage.lines(run.id)] == [(1, 1, "void"), (2, 1, "void")]
    assert await stage.usage(run.id) == []
    assert run.usage.calls == 0


@pytest.mark.parametrize(("used", "state"), [(Usage("m", 2, 1), "counted"), (None, "void")])
async def test_a_cancelled_call_settles_its_own_line(stage: Stage, used: Usage | None, state: str) -> None:
    gate = Gate(usage=used)
    stage.does(a=gate)
    run = await stage.order(ONE)
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.ask(run)
    await stage.deliver(drive)
    await driving

    assert [line[:4] for line in await stage.lines(run)] == [("/a#1", 1, 1, state)]
    assert (await stage.run(run)).usage.calls == (used is not None)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_a_call_that_was_lost_with_its_worker_is_charged_what_was_reserved_and_made_again(stage: Stage, durability: str) -> None:
    stalled, gate = await lost(stage, ONE, durability=durability)
    drive = await stage.open()
    await stage.engine.drive(drive)
    run = await stage.run(drive.run.id)

    assert await stage.lines(run.id) == [("/a#1", 1, 1, "unknown", RESERVED), ("/a#1", 1, 2, "counted", USED)]
    assert (run.status, run.usage.calls, run.usage.unknown, run.usage.total_tokens) == ("completed", 2, 1, RESERVED + USED)
    await come_back(stalled, gate)


async def test_whoever_made_a_lost_call_knows_better_when_it_comes_back(stage: Stage) -> None:
    async def late(context: NodeContext) -> Outcome:
        await gate(context)
        return await answer(context)

    gate = Gate()
    stage.does(a=late)
    run = await stage.order(ONE)
    stalled = asyncio.create_task(stage.engine.drive(await stage.engine.open(await stage.claim(lease_seconds=1))))
    await gate.began.wait()
    await stage.clock.sleep(2)
    stage.does(a=answer)
    await stage.engine.drive(await stage.open())
    await come_back(stalled, gate)

    assert await stage.lines(run) == [("/a#1", 1, 1, "counted", USED), ("/a#1", 1, 2, "counted", USED)]
    assert (await stage.run(run)).usage.total_tokens == RESERVED + USED


async def test_a_worker_that_comes_back_empty_handed_does_not_make_a_lost_call_free(stage: Stage) -> None:
    stalled, _ = await lost(stage, ONE)
    drive = await stage.open()
    await stage.engine.drive(drive)
    stalled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stalled

    assert [line[3] for line in await stage.lines(drive.run.id)] == ["unknown", "counted"]


async def test_what_lost_calls_may_have_used_counts_towards_the_limits(stage: Stage) -> None:
    stalled, gate = await lost(stage, {**ONE, "limits": {"tokens": RESERVED - 1}})
    drive = await stage.open()
    await stage.engine.drive(drive)
    run = await stage.run(drive.run.id)

    assert run.failure is not None
    assert (run.failure.code, run.usage.unknown) == ("limit_tokens", 1)
    assert [line[3] for line in await stage.lines(run.id)] == ["unknown"]
    await come_back(stalled, gate)


async def test_a_run_that_is_refused_is_charged_for_the_calls_it_was_lost_with(stage: Stage) -> None:
    stalled, gate = await lost(stage, ONE)
    claim = await stage.claim()
    await stage.engine.refuse(claim, Poisoned("it kills"))
    run: Run = await stage.run(claim.run.id)

    assert (run.status, run.usage.unknown, run.usage.total_tokens) == ("failed", 1, RESERVED)
    assert [line[3] for line in await stage.lines(run.id)] == ["unknown"]
    await come_back(stalled, gate)


async def test_a_call_that_does_not_stop_is_charged_what_was_reserved(stage: Stage) -> None:
    gate = Gate(closing=5, usage=Usage("m", 1, 1))
    stage.does(a=gate)
    run = await stage.order({**ONE, "limits": {"seconds": 1}})
    await stage.engine.drive(await stage.open())
    ended = await stage.run(run)
    await gate.ended.wait()

    assert (ended.usage.unknown, ended.usage.total_tokens) == (1, RESERVED)
    assert [line[3] for line in await stage.lines(run)] == ["unknown"]


async def test_with_durability_exit_the_line_alone_is_written_before_the_call(stage: Stage) -> None:
    gate = Gate()
    stage.does(a=gate)
    run = await stage.order(ONE, durability="exit")
    driving = asyncio.create_task(stage.engine.drive(await stage.open()))
    await gate.began.wait()

    assert written(stage) == [([], ["/a#1 reserved"])]
    gate.opened.set()
    await driving
    assert await stage.story(run) == ["run_started", "node_finished /a#1", "run_ended"]


async def test_what_cannot_be_foretold_fails_as_the_call_would_have(stage: Stage) -> None:
    stage.does(a=answer)
    run = await stage.play(document({"a": CALL}, ["start > a"], state={"unspeakable": {"default": True}}))

    assert run.failure is not None
    assert (run.failure.code, run.failure.node) == ("unspeakable", "a")
    assert await stage.lines(run.id) == []


async def test_a_call_that_was_reserved_and_not_begun_is_free(stage: Stage) -> None:
    stage.does(a=answer)
    run = await stage.order(ONE)
    drive = await stage.open()

    async def stops(unit: Append) -> None:
        drive.is_stopping = True

    stage.journal.after = stops
    await stage.engine.drive(drive)
    stage.journal.after = None
    assert [line[3] for line in await stage.lines(run)] == ["void"]

    await stage.engine.drive(await stage.open())
    assert await stage.lines(run) == [("/a#1", 1, 1, "void", RESERVED), ("/a#1", 1, 2, "counted", USED)]
    assert ((await stage.run(run)).usage.calls, (await stage.run(run)).usage.unknown) == (1, 0)


async def test_who_comes_next_does_not_ask_for_lost_calls_where_none_can_be(stage: Stage) -> None:
    asked: list[str] = []
    reserved = stage.store.usage.reserved

    class Asked:
        async def __call__(self, *given: Any) -> Any:
            asked.append("asked")
            return await reserved(*given)

    object.__setattr__(stage.engine.tools, "ledger", type("Ledger", (), {"reserved": Asked(), "count": stage.store.usage.count})())
    stage.does(a=answer)
    waiting = {"w": {"kind": "wait", "seconds": 60}}
    run = await stage.play_to_the_end(document({"a": {"kind": "transform", "writes": {}}, **waiting}, ["start > a", "a > w"]))
    assert (run.status, asked) == ("completed", [])

    run = await stage.play_to_the_end(document({"a": CALL, **waiting}, ["start > a", "a > w"]))
    assert (run.status, asked) == ("completed", ["asked"])


@pytest.mark.parametrize("durability", ["sync", "exit"])
async def test_lost_calls_are_looked_for_also_when_whoever_took_the_run_over_gave_it_back(stage: Stage, durability: str) -> None:
    stalled, gate = await lost(stage, ONE, durability=durability)
    taken = await stage.claim()
    await stage.store.queue.release(taken.lease)
    drive = await stage.open()
    await stage.engine.drive(drive)

    assert taken.taken_over
    assert [line[3] for line in await stage.lines(drive.run.id)] == ["unknown", "counted"]
    await come_back(stalled, gate)


async def test_what_another_model_used_before_the_answer_has_a_line_of_its_own_and_counts_for_the_run(stage: Stage) -> None:
    """Also when the attempt that it was for failed, and is tried again."""
    used = Usage("m", 4, 3).beside(Usage("dearer", 50, 0))
    once = NodeExecutionError("no")
    once.retryable = True
    failing_once = failing(once)
    failing_once.usage = used
    stage.does(a=failing_once)
    run = await stage.play(document({"a": {"kind": "call", "retry": {"attempts": 2}}}, ["start > a"]))

    rows = await stage.store.usage.of_run(run.tenant, run.id)
    assert [(row.attempt, row.usage.model, row.usage.total_tokens, row.state) for row in rows] == [
        (1, "m", USED, "counted"),
        (2, "dearer", 50, "counted"),
        (3, "m", USED, "counted"),
        (4, "dearer", 50, "counted"),
    ]
    assert (run.usage.calls, run.usage.total_tokens, run.usage.unpriced) == (4, 2 * (USED + 50), 4)
