"""Tool calls that wait for approval: what was shown, or what was made of it, is what the tool is told."""

import asyncio
from typing import Any

import pytest

from domain.errors import Failure, IllegalTransition, ValidationError
from domain.json import Json
from domain.run import events
from domain.run.run import Run
from domain.tool import Effects, ToolExecutionResult
from infrastructure.nodes.approving import hash_of
from tests.documents import Document, OneTool, document
from tests.unit.application.engine.people import STATE, Charger, say, worked
from tests.unit.application.engine.stage import Stage

PAY = "/pay#1"


@pytest.fixture
def charger(monkeypatch: pytest.MonkeyPatch) -> Charger:
    found = Charger()
    monkeypatch.setattr(OneTool, "get", lambda self, name: found.get(name))
    monkeypatch.setattr(OneTool, "call", lambda self, name, arguments, context: found.call(name, arguments, context))
    return found


def paying(approval: Json = None, **keys: Any) -> Document:
    approval = {} if approval is None else approval
    pay = {
        "kind": "tool",
        "tool": "charge",
        "arguments": {"amount": "${state.n + 4}"},
        "approval": approval,
        "writes": {"n": "${output.charged}"},
    }
    return document({"pay": {**pay, **keys}}, ["start > pay"], state=STATE)


async def about(stage: Stage, run: Run) -> Any:
    (waiting,) = (await stage.run(run.id)).waiting_for
    assert (waiting.kind, waiting.activation) == ("human", PAY)
    return waiting.about


@pytest.mark.parametrize("effects", list(Effects), ids=lambda effects: str(effects.value))
async def test_nothing_is_called_before_somebody_approves(stage: Stage, charger: Charger, effects: Effects) -> None:
    charger.effects = effects
    run = await stage.play(paying())
    asked = await about(stage, run)
    assert (run.status, charger.calls) == ("parked", [])
    assert asked["show"] == {"tool": "charge", "arguments": {"amount": 5}, "hash": hash_of("charge", {"amount": 5})}

    await say(stage, run.id, {"approved": True}, PAY)
    ended = await worked(stage, run.id)
    assert (ended.status, ended.output, charger.calls) == ("completed", {"n": 5, "got": []}, [{"amount": 5}])


async def test_a_call_that_may_happen_once_is_announced_with_what_was_approved(stage: Stage, charger: Charger) -> None:
    charger.effects = Effects.ONCE
    run = await stage.play(paying({"editable": True}))
    await say(stage, run.id, {"approved": True, "arguments": {"amount": 2}}, PAY)
    await worked(stage, run.id)

    (intended,) = [row for row in await stage.rows(run.id) if isinstance(row, events.EffectIntended)]
    assert (intended.arguments, charger.calls) == ({"amount": 2}, [{"amount": 2}])
    assert await stage.story(run.id) == [
        "run_started",
        f"node_parked {PAY}",
        "time_forgiven",
        f"answered {PAY}",
        f"effect_intended {PAY}",
        f"node_finished {PAY}",
        "run_ended",
    ]


@pytest.mark.parametrize("effects", [Effects.IDEMPOTENT, Effects.ONCE], ids=lambda effects: str(effects.value))
async def test_a_refusal_is_a_failure_that_an_edge_may_catch(stage: Stage, charger: Charger, effects: Effects) -> None:
    charger.effects = effects
    told = paying()
    told["nodes"]["no"] = {"kind": "transform", "writes": {"got": "${[error.code, error.message]}"}}
    told["edges"].append({"from": "pay", "to": "no", "on_error": ["not_approved"]})
    run = await stage.play(told)
    await say(stage, run.id, {"approved": False, "reason": "too dear"}, PAY)
    ended = await worked(stage, run.id)

    assert (ended.output, charger.calls) == ({"n": 1, "got": ["not_approved", "local did not approve the call of charge: too dear"]}, [])


async def test_what_runs_is_what_was_shown_whatever_the_state_is_by_then(stage: Stage, charger: Charger) -> None:
    run = await stage.play(paying())
    drive = await stage.engine.open(await _claimed(stage, run))
    drive.state.root.state = {**drive.state.root.state, "n": 100}
    await say(stage, run.id, {"approved": True}, PAY)
    await stage.deliver(drive)
    await stage.engine.drive(drive)

    assert charger.calls == [{"amount": 5}]


async def _claimed(stage: Stage, run: Run) -> Any:
    await stage.wish(run.id, "signal", name="look")
    return await stage.claim()


@pytest.mark.parametrize(
    ("approval", "answer", "pointer"),
    [
        pytest.param({}, {"approved": "yes"}, "/answer/approved", id="neither yes nor no"),
        pytest.param({}, {}, "/answer", id="nothing"),
        pytest.param({}, {"approved": True, "arguments": {"amount": 1}}, "/answer", id="edited where that is not allowed"),
        pytest.param({"editable": True}, {"approved": True, "arguments": {"amount": 10}}, "/answer/arguments/amount", id="edited too far"),
        pytest.param({"editable": True}, {"approved": True, "arguments": {}}, "/answer/arguments", id="edited to what is no call"),
        pytest.param({}, {"approved": True, "hash": "another"}, "/answer/hash", id="something else was seen"),
    ],
)
async def test_an_answer_that_does_not_fit_approves_nothing(
    stage: Stage, charger: Charger, approval: Json, answer: Json, pointer: str
) -> None:
    run = await stage.play(paying(approval))
    with pytest.raises(ValidationError) as refused:
        await say(stage, run.id, answer, PAY)

    assert ([problem.pointer for problem in refused.value.problems], charger.calls) == ([pointer], [])
    await say(stage, run.id, {"approved": True}, PAY)
    assert (await worked(stage, run.id)).status == "completed"


async def test_whoever_repeats_the_hash_knows_that_they_saw_the_right_thing(stage: Stage, charger: Charger) -> None:
    run = await stage.play(paying())
    await say(stage, run.id, {"approved": True, "hash": (await about(stage, run))["show"]["hash"]}, PAY)

    assert (await worked(stage, run.id)).status == "completed"


async def test_a_call_that_failed_is_tried_again_as_it_was_approved_and_nobody_is_asked_again(stage: Stage, charger: Charger) -> None:
    charger.failures = [ToolExecutionResult(error=Failure("tool_failed", "busy", retryable=True))]
    run = await stage.play(paying({"editable": True}, retry={"attempts": 2, "first_seconds": 0.1}))
    await say(stage, run.id, {"approved": True, "arguments": {"amount": 3}}, PAY)
    ended = await worked(stage, run.id)

    assert (ended.status, charger.calls) == ("completed", [{"amount": 3}] * 2)
    assert (await stage.story(run.id)).count(f"node_parked {PAY}") == 1


async def test_nobody_approves_in_time(stage: Stage, charger: Charger) -> None:
    run = await stage.play(paying({"deadline_seconds": 60}))
    await stage.clock.sleep(60)
    ended = await worked(stage, run.id)

    assert ended.failure is not None
    assert (ended.status, ended.failure.code, charger.calls) == ("failed", "deadline", [])


async def test_of_an_approval_and_a_refusal_at_once_one_counts(stage: Stage, charger: Charger) -> None:
    run = await stage.play(paying())
    answers = [say(stage, run.id, {"approved": n % 2 == 0}, PAY) for n in range(20)]
    results = await asyncio.gather(*answers, return_exceptions=True)
    ended = await worked(stage, run.id)

    assert [type(one) for one in results].count(IllegalTransition) == 19
    assert (ended.status == "completed", len(charger.calls)) == ((True, 1) if results.index(None) % 2 == 0 else (False, 0))
