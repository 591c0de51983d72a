"""Human nodes: they park, are answered exactly once, and never make anything happen twice."""

import asyncio
from math import inf
from typing import Any

import pytest

from domain.access import Principal, Role
from domain.errors import Forbidden, IllegalTransition, ValidationError
from domain.ids import DEFAULT_TENANT, RunId
from domain.ports.journal import Append, Checkpoint
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.run import events
from domain.run.run import Run
from tests.documents import document
from tests.unit.application.engine.people import SCHEMA, STATE, asking, human, say, worked
from tests.unit.application.engine.stage import Gate, Stage


def who(name: str, role: Role = Role.VIEWER) -> Principal:
    return Principal(DEFAULT_TENANT, role, name)


def outcomes(results: list[Any]) -> list[str]:
    return sorted("taken" if one is None else type(one).__name__ for one in results)


async def test_it_parks_and_says_what_is_asked(stage: Stage) -> None:
    run = await stage.play(asking("a", who=["ada"]))

    (what,) = run.waiting_for
    assert (run.status, what.activation, what.kind, what.until) == ("parked", "/a#1", "human", None)
    assert what.about == {"show": {"n": 1}, "schema": SCHEMA, "who": ["ada"], "on_deadline": "fail", "escalate": None, "asked_at": 2}
    assert (stage.journal.units[-1].release_at, run.needs_the_outside) == (inf, True)


async def test_the_answer_is_its_output_and_the_state_is_read_at_the_answer(stage: Stage) -> None:
    nodes = {"a": human(), "slow": {"kind": "act", "writes": {"n": "${output}"}}}
    gate = Gate(output=7)
    stage.does(slow=gate)
    run = await stage.order(document(nodes, ["start > a", "start > slow"], state=STATE))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    gate.opened.set()
    await driving
    await say(stage, run)

    assert (await worked(stage, run)).output == {"n": 7, "got": [True, 7]}


async def test_the_time_that_it_waits_does_not_count(stage: Stage) -> None:
    run = await stage.play({**asking("a"), "limits": {"seconds": 10}})
    await stage.clock.sleep(1_000)
    await say(stage, run.id)

    assert (await worked(stage, run.id)).status == "completed"
    assert "time_forgiven" in await stage.story(run.id)


async def test_of_fifty_answers_at_once_one_counts(stage: Stage) -> None:
    run = await stage.play(asking("a"))
    results = await asyncio.gather(*(say(stage, run.id, {"ok": n % 2 == 0}) for n in range(50)), return_exceptions=True)
    ended = await worked(stage, run.id)

    assert outcomes(results) == ["IllegalTransition"] * 49 + ["taken"]
    assert (ended.status, [type(row) for row in await stage.rows(run.id)].count(events.Answered)) == ("completed", 1)
    assert ended.output == {"n": 1, "got": [results.index(None) % 2 == 0, 1]}


async def test_several_are_answered_one_by_one_in_any_order(stage: Stage) -> None:
    run = await stage.play(asking("a", "b", "c"))
    for name, ok in (("c", True), ("a", False), ("b", True)):
        assert (await stage.run(run.id)).status == "parked"
        await say(stage, run.id, {"ok": ok}, f"/{name}#1")
        await worked(stage, run.id)

    assert (await stage.run(run.id)).output == {"n": 1, "got": [True, 1, False, 1, True, 1]}


async def test_a_second_question_is_answered_while_what_followed_the_first_still_runs(stage: Stage) -> None:
    gate = Gate()
    stage.does(slow=gate)
    nodes = {"a": human(), "b": human(), "slow": {"kind": "act"}}
    run = await stage.play(document(nodes, ["start > a", "start > b", "a > slow"], state=STATE))
    await say(stage, run.id)
    drive = await stage.open()
    await stage.deliver(drive)
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    found = await stage.run(run.id)
    assert (found.status, [waiting.activation for waiting in found.waiting_for]) == ("running", ["/b#1"])

    await say(stage, run.id, activation="/b#1")
    await stage.deliver(drive)
    gate.opened.set()
    await driving
    assert (await stage.run(run.id)).output == {"n": 1, "got": [True, 1, True, 1]}


async def test_an_answer_that_breaks_the_schema_leaves_the_question_open(stage: Stage) -> None:
    run = await stage.play(asking("a"))
    with pytest.raises(ValidationError) as refused:
        await say(stage, run.id, {"ok": "yes"})

    assert [problem.pointer for problem in refused.value.problems] == ["/answer/ok"]
    assert (await stage.run(run.id)).status == "parked"
    await say(stage, run.id)
    assert (await worked(stage, run.id)).status == "completed"


async def test_an_answer_to_nothing_says_what_happened(stage: Stage) -> None:
    run = await stage.play(asking("a"))
    with pytest.raises(IllegalTransition, match="does not wait for an answer at /b#1"):
        await say(stage, run.id, activation="/b#1")
    await say(stage, run.id, who=who("Ada", Role.OPERATOR))
    with pytest.raises(IllegalTransition, match="Ada has answered"):
        await say(stage, run.id)
    await worked(stage, run.id)
    with pytest.raises(IllegalTransition, match="Ada has answered"):
        await say(stage, run.id)


async def test_a_cancelled_run_takes_no_answer(stage: Stage) -> None:
    run = await stage.play(asking("a"))
    await stage.ask(run.id)
    await worked(stage, run.id)

    with pytest.raises(IllegalTransition, match="the run is cancelled"):
        await say(stage, run.id)


async def test_an_answer_that_is_sent_again_with_its_key_is_taken_again_and_done_once(stage: Stage) -> None:
    run = await stage.play(asking("a"))
    await say(stage, run.id, key="k")
    await say(stage, run.id, key="k")
    await worked(stage, run.id)
    await say(stage, run.id, key="k")

    with pytest.raises(IllegalTransition):
        await say(stage, run.id, key="another")
    assert (await stage.story(run.id)).count("answered /a#1") == 1


async def test_an_answer_whose_giver_was_lost_before_it_was_left_is_brought_by_the_next(stage: Stage, monkeypatch: Any) -> None:
    run = await stage.play(asking("a"))
    inbox = type(stage.store.inbox)
    put = inbox.put

    async def dies(*_: Any) -> bool:
        raise asyncio.CancelledError

    monkeypatch.setattr(inbox, "put", dies)
    with pytest.raises(asyncio.CancelledError):
        await say(stage, run.id, {"ok": False}, who=who("Ada", Role.OPERATOR))
    monkeypatch.setattr(inbox, "put", put)
    with pytest.raises(IllegalTransition, match="Ada has answered"):
        await say(stage, run.id)

    assert (await worked(stage, run.id)).output == {"n": 1, "got": [False, 1]}


async def test_an_answer_counts_for_the_question_that_was_meant(stage: Stage) -> None:
    """It is asked again in a loop, as another visit; and here as the same visit, tried again."""
    node = human(
        schema={}, writes={"n": "${output}"}, retry={"attempts": 2, "first_seconds": 0.1, "codes": ["deadline"]}, deadline_seconds=60
    )
    run = await stage.play(document({"a": node}, ["start > a"], state=STATE))
    (first,) = run.waiting_for
    await stage.clock.sleep(61)
    run = await worked(stage, run.id)
    (again,) = run.waiting_for
    assert first.about is not None
    assert again.about is not None
    early: Any = first.about["asked_at"]

    with pytest.raises(IllegalTransition, match="deadline"):
        await say(stage, run.id, 3, asked_at=early)
    await say(stage, run.id, 4)
    assert (await worked(stage, run.id)).output == {"n": 4, "got": []}


class TestWho:
    async def test_operators_answer_where_nobody_is_named(self, stage: Stage) -> None:
        run = await stage.play(asking("a"))
        with pytest.raises(Forbidden):
            await say(stage, run.id, who=who("ada"))
        await say(stage, run.id, who=who("ada", Role.OPERATOR))

    @pytest.mark.parametrize("named", [["ada"], ["eve", "ada"], ["viewer"], "ada"])
    async def test_whoever_is_named_may_answer_whatever_their_role(self, stage: Stage, named: Any) -> None:
        run = await stage.play(asking("a", who=named))
        await say(stage, run.id, who=who("ada"))

        assert (await worked(stage, run.id)).status == "completed"

    async def test_an_operator_who_is_not_named_may_not(self, stage: Stage) -> None:
        run = await stage.play(asking("a", who=["ada", "author"]))
        with pytest.raises(Forbidden, match="ada, author"):
            await say(stage, run.id, who=who("bob", Role.OPERATOR))
        await say(stage, run.id, who=who("carol", Role.AUTHOR))

    async def test_later_more_may(self, stage: Stage) -> None:
        run = await stage.play(asking("a", who=["ada"], escalate={"who": ["bob"], "after_seconds": 60}))
        with pytest.raises(Forbidden):
            await say(stage, run.id, who=who("bob"))
        await stage.clock.sleep(60)
        await say(stage, run.id, who=who("bob"))
        assert (await worked(stage, run.id)).status == "completed"


async def in_time(stage: Stage, run: RunId, seconds: float) -> Run:
    """So much later, and after whoever is due has looked at it."""
    await stage.clock.sleep(seconds)
    return await worked(stage, run)


class TestDeadlines:
    async def test_it_is_parked_until_then_however_soon(self, stage: Stage) -> None:
        run = await stage.play(asking("a", deadline_seconds="${state.n}"))

        (what,) = run.waiting_for
        assert (run.status, what.until, stage.journal.units[-1].release_at) == ("parked", stage.now() + 1, stage.now() + 1)

    async def test_without_an_answer_the_node_fails(self, stage: Stage) -> None:
        run = await in_time(stage, (await stage.play(asking("a", deadline_seconds=60))).id, 60)

        assert run.failure is not None
        assert (run.status, run.failure.code, run.failure.node) == ("failed", "deadline", "a")
        with pytest.raises(IllegalTransition, match="the deadline of /a#1 has passed"):
            await say(stage, run.id)

    async def test_or_its_error_edge_is_taken(self, stage: Stage) -> None:
        nodes = {"a": human(deadline_seconds=60, on_deadline="edge"), "late": {"kind": "transform", "writes": {"got": "${error.code}"}}}
        run = await stage.play(document(nodes, ["start > a", "a ! late"], state=STATE))

        assert (await in_time(stage, run.id, 60)).output == {"n": 1, "got": ["deadline"]}

    async def test_or_its_default_is_the_answer(self, stage: Stage) -> None:
        run = await stage.play(asking("a", deadline_seconds=60, default={"ok": "${state.n > 0}"}))
        ended = await in_time(stage, run.id, 61)

        assert (ended.status, ended.output) == ("completed", {"n": 1, "got": [True, 1]})
        with pytest.raises(IllegalTransition, match="its default is the answer"):
            await say(stage, run.id)

    async def test_a_default_that_is_no_answer_fails_at_once(self, stage: Stage) -> None:
        run = await stage.play(asking("a", deadline_seconds=60, default={"ok": "${state.n}"}))

        assert run.failure is not None
        assert (run.status, run.failure.code) == ("failed", "invalid_default")

    async def test_an_answer_that_was_taken_before_counts_whenever_it_is_heard_of(self, stage: Stage) -> None:
        """The wish is lost on its way: only the mark knows of it."""
        run = await stage.play(asking("a", deadline_seconds=60, default={"ok": False}))
        await say(stage, run.id)
        for number in [wish.number for wish in await stage.store.inbox.waiting([run.thread])]:
            stage.store.inbox.book.inbox[run.thread].pop(number)  # type: ignore[attr-defined]

        assert (await in_time(stage, run.id, 61)).output == {"n": 1, "got": [True, 1]}

    async def test_an_answer_that_lay_in_the_inbox_for_days_counts_though_its_mark_is_forgotten(self, stage: Stage) -> None:
        run = await stage.play(asking("a", deadline_seconds=60, default={"ok": False}))
        await say(stage, run.id)
        await stage.clock.sleep(2 * 86_400)
        drive = await stage.open()  # which did not hear of the wish
        await stage.engine.drive(drive)

        assert (await stage.run(run.id)).output == {"n": 1, "got": [True, 1]}

    async def test_once_the_deadline_has_its_mark_no_answer_is_taken_before_or_after_its_row(self, stage: Stage) -> None:
        run = await stage.play(asking("a", deadline_seconds=60, default={"ok": False}))
        told: list[BaseException] = []

        async def too_late(append: Append) -> None:
            if any(isinstance(event, events.Answered) for event in append.events):
                with pytest.raises(IllegalTransition, match="the deadline of /a#1 has passed") as refused:
                    await say(stage, run.id)
                told.append(refused.value)

        await stage.clock.sleep(60)
        stage.journal.before = too_late
        drive = await stage.open()
        await stage.engine.drive(drive)

        assert told
        assert (await stage.run(run.id)).output == {"n": 1, "got": [False, 1]}

    @pytest.mark.parametrize("after", [59.9, 60.0, 60.1])
    async def test_an_answer_and_the_deadline_at_one_instant_agree(self, stage: Stage, after: float) -> None:
        for _ in range(10):
            run = await stage.play(asking("a", deadline_seconds=60, default={"ok": False}))
            await stage.clock.sleep(after)
            drive = await stage.open() if after >= 60 else None
            driving = None if drive is None else asyncio.create_task(stage.engine.drive(drive))
            (said,) = await asyncio.gather(say(stage, run.id), return_exceptions=True)
            if driving is None:
                ended = await worked(stage, run.id)
            else:
                await driving
                ended = await stage.run(run.id)
            assert ended.output == {"n": 1, "got": [said is None, 1]}

    async def test_a_pause_holds_it_up(self, stage: Stage) -> None:
        run = await stage.play(asking("a", deadline_seconds=60))
        await stage.wish(run.id, "pause")
        paused = await worked(stage, run.id)
        await stage.clock.sleep(100)
        assert [waiting.kind for waiting in paused.waiting_for] == ["pause", "human"]

        await say(stage, run.id)
        assert (await worked(stage, run.id)).status == "parked"
        await stage.wish(run.id, "resume")
        assert (await worked(stage, run.id)).status == "completed"


class TestNothingTwice:
    async def test_what_was_done_before_the_question_is_not_done_again_after_it(self, stage: Stage) -> None:
        calls: list[str] = []

        async def count(context: NodeContext) -> Outcome:
            calls.append(context.activation)
            return Finished(1)

        stage.does(before=count, after=count)
        nodes = {"before": {"kind": "effect"}, "a": human(), "after": {"kind": "effect"}}
        run = await stage.play(document(nodes, ["start > before", "before > a", "a > after"], state=STATE))
        await say(stage, run.id)
        await worked(stage, run.id)

        assert calls == ["/before#1", "/after#1"]

    async def test_a_worker_that_is_lost_with_the_answer_in_hand_leaves_it_to_the_next(self, stage: Stage) -> None:
        run = await stage.play(asking("a"))
        await say(stage, run.id)
        lost = await stage.open()
        await stage.deliver(lost)
        await stage.store.queue.release(lost.lease)

        assert (await worked(stage, run.id)).output == {"n": 1, "got": [True, 1]}

    @pytest.mark.parametrize("rows", [3, 4])
    async def test_a_run_loaded_from_a_checkpoint_goes_on_alike(self, stage: Stage, rows: int) -> None:
        """With the question open, and with the answer given and nothing done with it."""
        nodes = {"a": human(), "after": {"kind": "act"}}
        gate = Gate()
        stage.does(after=gate)
        run = await stage.play(document(nodes, ["start > a", "a > after"], state=STATE))
        await stage.wish(run.id, "pause")  # somebody looks at it
        drive = await stage.open()
        if rows == 4:
            drive.record(events.Answered(next(iter(drive.state.active)), {"ok": True}, "Ada"))
        unit = drive._take_unit(stage.now())
        body = drive._folded()
        await stage.store.journal.append(type(unit)(**{**_members(unit), "checkpoint": Checkpoint(drive.position, body)}))
        if rows == 3:
            await say(stage, run.id)
        await stage.wish(run.id, "resume")
        gate.opened.set()

        assert (await worked(stage, run.id)).output == {"n": 1, "got": [True, 1]}


def _members(unit: Any) -> dict[str, Any]:
    return {name: getattr(unit, name) for name in unit.__slots__}


async def test_in_a_run_that_does_one_thing_at_a_time_a_question_holds_the_others_up(stage: Stage) -> None:
    began: list[str] = []

    async def note(context: NodeContext) -> Outcome:
        began.append(context.activation)
        return Finished(None)

    stage.does(b=note, after=note)
    nodes = {"a": human(), "b": {"kind": "act"}, "after": {"kind": "act"}}
    run = await stage.play(document(nodes, ["start > a", "start > b", "a > after"], state=STATE), mode="sync")
    assert (run.status, began) == ("parked", [])

    await say(stage, run.id)
    assert (await worked(stage, run.id)).status == "completed"
    assert sorted(began) == ["/after#1", "/b#1"]
