"""A run that goes on from where another one was, on a branch: what is done stays done, what was in flight is done anew, as its own."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from domain.errors import NodeExecutionError, ThreadError
from domain.ids import DEFAULT_TENANT, Position, RunId, ThreadId
from domain.json import Json
from domain.ports.journal import Append
from domain.ports.nodes import Finished, NodeContext, Outcome, Park
from domain.ports.repositories import NewRun
from domain.run import events
from domain.run.run import Continued, Run
from domain.thread import Thread, ThreadType
from domain.usage import Usage
from infrastructure.ids import new_id
from tests.documents import Document, document
from tests.unit.application.engine.stage import Stage, failing
from tests.unit.application.engine.test_frames import over
from tests.unit.application.engine.test_once import World, charging, once

__all__ = ["once"]
LOG: Document = {"log": {"type": "array", "merge": "append", "default": []}, "n": {"type": "integer", "default": 0}}


async def branched(stage: Stage, other: Run, at: int, **told: Any) -> Run:
    """A branch of its thread, with a run in line that goes on from there."""
    begun, position = stage.clock.now(), Position(at)
    branch = Thread(ThreadId(new_id()), DEFAULT_TENANT, begun, ThreadType.BRANCH, parent=other.thread, parent_position=position)
    await stage.store.threads.add(branch)
    run = Run(
        RunId(new_id()),
        DEFAULT_TENANT,
        branch.id,
        other.workflow,
        other.workflow_hash,
        other.input,
        stage.clock.now(),
        limits=other.limits,
        continues=Continued(other.id, Position(at)),
    )
    await stage.store.runs.start(NewRun(replace(run, **told), opens_thread=False))
    return run


async def gone_on(stage: Stage, other: Run, at: int, **told: Any) -> Run:
    run = await branched(stage, other, at, **told)
    await stage.engine.drive(await stage.open())
    return await stage.run(run.id)


async def position_of(stage: Stage, run: Run, kind: str, where: str = "") -> int:
    rows = await stage.store.journal.read(DEFAULT_TENANT, run.thread, Position(0), 1000)
    told = [(row.position, row.kind, getattr(stage.journal.decode(row), "activation", "")) for row in rows]
    return next(position for position, of, activation in told if of == kind and where in activation)


def steps(*names: str, **nodes: Document) -> Document:
    each: Document = {name: {"kind": "act", "writes": {"log": "${output}"}, **nodes.get(name, {})} for name in names}
    return document(each, [f"{one} > {other}" for one, other in pairwise(("start", *names))], state=LOG)


class Counting:
    """Answers with its node, and counts how often each was asked, by which run's key."""

    def __init__(self, usage: Usage | None = None) -> None:
        self.keys: list[str] = []
        self.usage = usage

    async def __call__(self, context: NodeContext) -> Outcome:
        self.keys.append(context.idempotency_key())
        return Finished(context.activation.rpartition("/")[2], self.usage)


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_what_finished_before_the_position_is_not_done_again(stage: Stage, at: int) -> None:
    act = Counting()
    stage.does(a=act, b=act, c=act)
    first = await stage.play(steps("a", "b", "c"))
    assert len(act.keys) == 3

    run = await gone_on(stage, first, at)

    assert run.output == first.output
    assert len(act.keys) == 3 + (3 - (at - 1)), "each that had not finished there, once more"
    assert len(set(act.keys)) == len(act.keys), "under keys of its own"
    assert (await stage.rows(run.id))[0] == events.RunContinued(run.id, first.id, Position(at), stage.now(), {})


async def test_what_the_shared_past_used_is_not_counted_again(stage: Stage) -> None:
    act = Counting(Usage("fast", 10, 5))
    stage.does(a=act, b=act)
    first = await stage.play(steps("a", "b"))

    run = await gone_on(stage, first, 2)

    assert (first.usage.total_tokens, run.usage.total_tokens) == (30, 15)
    assert await stage.usage(run.id) == [("/b#1", 1, 15)]
    assert sum(tokens for _, _, tokens in await stage.usage(first.id)) == 30


async def test_retries_begin_anew(stage: Stage) -> None:
    stage.does(a=failing(*[NodeExecutionError("not now", retryable=True)] * 2))
    first = await stage.play(steps("a", a={"retry": {"attempts": 2, "first_seconds": 0.1}}))
    assert first.status == "failed"
    at = await position_of(stage, first, "attempt_failed")

    run = await gone_on(stage, first, at)

    assert (run.status, run.output) == ("completed", {"log": [1], "n": 0})


async def test_a_wait_begins_anew_and_the_time_of_the_run_too(stage: Stage) -> None:
    async def until(context: NodeContext) -> Outcome:
        return Park("timer", context.now() + 60)

    stage.does(a=until)
    other = await stage.play_to_the_end(steps("a"))
    await stage.clock.sleep(10_000)
    begun = stage.now()

    run = await gone_on(stage, other, await position_of(stage, other, "node_parked"))

    assert run.status == "parked"
    assert [waiting.until for waiting in run.waiting_for] == [begun + 60]


async def test_items_of_a_map_that_are_done_stay_done(stage: Stage) -> None:
    asked: list[Json] = []

    async def act(context: NodeContext) -> Outcome:
        asked.append(context.scope["item"])
        return Finished(context.scope["item"])

    stage.does(x=act)
    first = await stage.play(over([1, 2, 3]))
    at = await position_of(stage, first, "node_finished", "[0]/x")
    asked.clear()

    run = await gone_on(stage, first, at)

    assert asked == [2, 3]
    assert run.output == first.output


async def test_a_call_that_may_happen_once_and_has_no_answer_there_waits_for_a_person(stage: Stage) -> None:
    world = World([7, 8])
    stage.does(pay=world)
    first = await stage.play(charging())

    run = await gone_on(stage, first, await position_of(stage, first, "effect_intended"))

    (waiting,) = run.waiting_for
    assert (waiting.kind, run.status, len(world.keys)) == ("needs_attention", "parked", 1)
    assert isinstance(waiting.about, dict)
    body: dict[str, Json] = {"activation": "/pay#1", "decision": "did_not_happen", "by": "Ada", "intended_at": waiting.about["intended_at"]}
    await stage.store.inbox.put(DEFAULT_TENANT, run.thread, run.id, "resolve", body, "resolve")
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    assert (await stage.run(run.id)).output == {"n": 8, "log": []}
    assert len(set(world.keys)) == 2, "the branch's call is not its parent's"


async def test_a_call_that_happened_before_the_position_is_not_made_again(stage: Stage) -> None:
    world = World([7])
    stage.does(pay=world)
    first = await stage.play(charging())

    run = await gone_on(stage, first, await position_of(stage, first, "node_finished"))

    assert (run.status, run.output, len(world.keys)) == ("completed", {"n": 7, "log": []}, 1)


async def test_a_worker_that_takes_over_goes_on_with_what_went_on(stage: Stage) -> None:
    act = Counting()
    stage.does(a=act, b=act)
    first = await stage.play(steps("a", "b"))
    run = await branched(stage, first, 2)
    lost = await stage.engine.open(await stage.claim(lease_seconds=1))
    await lost.append()
    await stage.clock.sleep(2)

    await stage.engine.drive(await stage.open())

    assert await stage.story(run.id) == ["run_continued", "node_finished /b#1", "run_ended"]


async def test_where_another_run_came_first_the_one_that_was_to_go_on_is_refused(stage: Stage) -> None:
    act = Counting()
    stage.does(a=act, b=act)
    first = await stage.play(steps("a", "b"))
    run = await branched(stage, first, 2)
    between = replace(await stage.run(run.id), id=RunId(new_id()), continues=None, created_at=run.created_at + timedelta(seconds=1))
    claim = await stage.claim()
    await stage.store.runs.start(NewRun(between, opens_thread=False))
    rows: list[events.Event] = [
        events.RunStarted(between.id, between.workflow_hash, between.input, stage.now()),
        events.RunEnded("completed"),
    ]
    await stage.store.journal.append(Append(replace(claim.lease, run=between.id), Position(2), rows))

    with pytest.raises(ThreadError, match="branch again"):
        await stage.engine.open(replace(claim, position=Position(4)))


async def test_a_branch_never_changes_its_parent_whatever_is_run_on_either(stage: Stage) -> None:
    act = Counting()
    stage.does(a=act, b=act, c=act)
    first = await stage.play(steps("a", "b", "c"))
    before = await stage.store.journal.read(DEFAULT_TENANT, first.thread, Position(0), 1000)

    for at in (1, 2, 3):
        run = await gone_on(stage, first, at)
        await stage.play(steps("a", "b", "c"), thread=run.thread)

    assert await stage.store.journal.read(DEFAULT_TENANT, first.thread, Position(0), 1000) == before
    await stage.play(steps("c"), thread=first.thread)
    assert (await stage.store.journal.read(DEFAULT_TENANT, first.thread, Position(0), 1000))[: len(before)] == before
