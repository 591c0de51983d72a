"""A run that nobody can carry on ends, and says first which of its calls nobody knows about."""

from dataclasses import replace

import pytest

from application.activations import describe
from application.carrying import carry
from domain.errors import Failure, Fenced, Poisoned, SerializationError
from domain.ids import DEFAULT_TENANT, RunId
from domain.json import JsonObject
from domain.ports.journal import Append, Recorded
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.ports.queue import Claim
from domain.run import events
from domain.run.events import Event
from domain.run.run import Run
from domain.run.terms import DELIVERIES
from infrastructure.store.codec import encode
from tests.documents import document
from tests.unit.application.engine.stage import Gate, Stage
from tests.unit.application.engine.test_once import World, charging, once
from tests.unit.application.engine.test_working import working

__all__ = ["once"]  # the node kind of that name, for every test here

POISON = Poisoned("three workers were lost with it")


async def lost_after(stage: Stage, run: RunId, kind: str) -> Claim:
    """The worker that had the run is gone when a row of that kind is durable; the claim of the next one."""

    async def die(append: Append) -> None:
        if any(event.kind == kind for event in append.events):
            raise Fenced("gone")

    stage.journal.after = die
    with pytest.raises(Fenced):
        await stage.engine.drive(await stage.open())
    stage.journal.after = None
    await stage.clock.sleep(31.0)
    return await stage.claim()


def failure_of(run: Run) -> Failure:
    assert run.failure is not None
    return run.failure


async def test_a_run_that_workers_die_of_says_which_call_nobody_knows_about(stage: Stage) -> None:
    stage.does(pay=World([4]))
    run = await stage.order(charging())
    claim = await lost_after(stage, run, "effect_intended")
    await carry(stage.engine, replace(claim, deliveries=DELIVERIES + 1), (), lambda drive: None)

    found = await stage.run(run)
    assert (found.status, failure_of(found).code) == ("failed", "poisoned")
    assert "Nobody knows whether the call at /pay#1 happened" in failure_of(found).message
    assert await stage.story(run) == ["run_started", "effect_intended /pay#1", "effect_unknown /pay#1", "run_ended"]
    assert found.last == (await stage.journal.end(DEFAULT_TENANT, found.thread))


async def test_an_answer_that_its_worker_left_behind_is_told_instead(stage: Stage) -> None:
    stage.does(pay=World([4]))
    run = await stage.order(charging())
    claim = await lost_after(stage, run, "effect_intended")
    body: JsonObject = {"activation": "/pay#1", "intended_at": claim.position, "decision": "happened", "output": 4}
    await stage.store.inbox.put(DEFAULT_TENANT, claim.run.thread, run, "outcome", body, "outcome")
    await stage.engine.refuse(claim, POISON)

    said = [row for row in await stage.rows(run) if isinstance(row, events.EffectResolved)]
    assert [(row.decision, row.output) for row in said] == [("happened", 4)]
    assert failure_of(await stage.run(run)).message == POISON.message
    assert await stage.store.inbox.waiting([claim.run.thread]) == []


async def test_a_call_whose_outcome_a_row_tells_is_not_said_to_be_unknown(stage: Stage) -> None:
    stage.does(pay=World([4]), later=World([5]))
    run = await stage.order(document({"pay": {"kind": "once"}, "later": {"kind": "act"}}, ["start > pay", "pay > later"]))
    claim = await lost_after(stage, run, "node_finished")
    await stage.engine.refuse(claim, POISON)

    assert await stage.story(run) == ["run_started", "effect_intended /pay#1", "node_finished /pay#1", "run_ended"]


async def test_a_call_that_was_under_way_when_weft_could_not_keep_a_row_is_unknown(stage: Stage) -> None:
    gate = Gate()

    async def spoil(context: NodeContext) -> Outcome:
        await gate.began.wait()
        return Finished("\ud800")

    async def written(append: Append) -> None:
        for event in append.events:
            encode(event)

    stage.does(pay=gate, a=spoil)
    stage.journal.before = written
    graph = document(
        {"pay": {"kind": "once"}, "a": {"kind": "act", "writes": {"x": "${output}"}}}, ["start > pay", "start > a"], state={"x": {}}
    )
    run = await stage.order(graph)
    async with working(stage.worker()):
        found = await stage.ended(run)

    assert failure_of(found).code == "serialization_failed"
    assert (await stage.story(run))[-2:] == ["effect_unknown /pay#1", "run_ended"]


async def test_rows_of_a_newer_weft_do_not_keep_a_run_from_its_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.does(pay=World([4]))
    run = await stage.order(charging())
    claim = await lost_after(stage, run, "effect_intended")

    def newer(row: Recorded) -> Event:
        raise SerializationError("a row of a newer Weft")

    with monkeypatch.context() as patched:
        patched.setattr(stage.journal, "decode", newer)
        await stage.engine.refuse(claim, POISON)

    assert (await stage.story(run))[-1] == "run_ended"
    assert "calls of a refused run are not known" in [entry["event"] for entry in stage.logs]


async def test_a_run_that_was_refused_before_it_began_lacks_no_rows(stage: Stage) -> None:
    run = await stage.order(charging())
    await stage.engine.refuse(await stage.claim(), POISON)

    assert await stage.story(run) == ["run_ended"]
    assert not (await describe(stage.journal, await stage.run(run))).rows_removed
