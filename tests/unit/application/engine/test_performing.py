"""Nodes that make several calls: each is kept by itself, so that a crash, a pause or a retry repeats none."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Fenced, NodeExecutionError, ToolError
from domain.ids import DEFAULT_TENANT, ActivationPath, Position
from domain.json import Json
from domain.ports.effects import Effect, Performed
from domain.ports.journal import Append
from domain.ports.nodes import Finished, NodeContext, Outcome, Park
from domain.question import Question
from domain.run import events, fold, snapshot
from domain.run.run import Run
from domain.tool import Effects
from domain.usage import Usage
from tests.documents import Document, document
from tests.unit.application.engine.stage import Gate, Stage, open_stage

A = ActivationPath("/a#1")
OUT = {"n": {"type": "array", "default": []}}
TURNS = document({"a": {"kind": "act", "writes": {"n": "${output}"}}}, ["start > a"], state=OUT)
MOST, USED = Usage("m", 60, 40, estimated=True), Usage("m", 4, 3)


class Refused(ToolError):
    is_answer = True


@dataclass
class Turns:
    """Calls one after the other, or all side by side; each answers with its number. Counts what reached the world."""

    count: int = 3
    how: Effects = Effects.NONE
    together: bool = False
    digest: str = "d"
    key: Callable[[int], str] | None = None
    reached: Counter[int] = field(default_factory=Counter)
    before: Callable[[int], Awaitable[object]] | None = None

    async def __call__(self, context: NodeContext) -> Outcome:
        calls = [context.perform(self._effect(number), self._make) for number in range(1, self.count + 1)] if self.together else []
        if self.together:
            return Finished([*await asyncio.gather(*calls)])
        return Finished([await context.perform(self._effect(number), self._make) for number in range(1, self.count + 1)])

    def _effect(self, number: int) -> Effect:
        reserve = None if self.how is Effects.ONCE else MOST
        return Effect("tool", "t", f"{self.digest}{number}", reserve, self.how, {"n": number}, lambda told: [told], key=self.key)

    async def _make(self, number: int) -> Performed:
        self.reached[number] += 1
        if self.before is not None:
            await self.before(number)
        return Performed(number, None if self.how is Effects.ONCE else USED)


async def effects(stage: Stage, run: Run) -> list[tuple[int, Json]]:
    return [(row.effect, row.output) for row in await stage.rows(run.id) if isinstance(row, events.EffectFinished)]


async def answers(run: Run) -> Any:
    assert isinstance(run.output, dict), run.failure
    return run.output["n"]


async def again(stage: Stage, run: Run) -> Run:
    """Somebody else goes on with it, after the lease of whoever had it is over."""
    await stage.clock.sleep(60)
    await stage.engine.drive(await stage.open())
    return await stage.run(run.id)


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "side by side"])
@pytest.mark.parametrize("how", list(Effects))
async def test_each_call_is_kept_and_what_it_used_is_counted_by_itself(stage: Stage, how: Effects, together: bool) -> None:
    stage.does(a=Turns(how=how, together=together))
    run = await stage.play(TURNS)

    assert await answers(run) == [1, 2, 3]
    assert sorted(await effects(stage, run)) == [(1, 1), (2, 2), (3, 3)]
    assert (run.usage.calls, run.usage.total_tokens) == ((0, 0) if how is Effects.ONCE else (3, 21))


async def test_a_call_waits_for_its_line_and_the_last_one_shares_its_append(stage: Stage) -> None:
    stage.does(a=Turns(2))
    await stage.play(TURNS)

    assert [([event.kind for event in unit.events], [row.state.value for row in unit.usage]) for unit in stage.journal.units] == [
        (["run_started"], []),
        ([], ["reserved"]),
        (["effect_finished"], ["counted", "reserved"]),
        (["effect_finished", "node_finished", "run_ended"], ["counted"]),
    ]


@pytest.mark.parametrize(
    ("key", "announced"),
    [
        pytest.param(None, ["/a#1/1", "/a#1/2"], id="the context's"),
        pytest.param("anew/{}".format, ["anew/1", "anew/2"], id="the node's own"),
    ],
)
async def test_a_once_call_is_announced_under_the_key_it_is_made_with(
    stage: Stage, key: Callable[[int], str] | None, announced: list[str]
) -> None:
    stage.does(a=Turns(2, Effects.ONCE, key=key))
    run = await stage.play(TURNS)

    keys = [row.key for row in await stage.rows(run.id) if isinstance(row, events.EffectIntended)]
    assert keys == [f"{run.id}{one}" if key is None else one for one in announced]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_a_call_with_effects_begins_when_all_before_it_is_durable(stage: Stage, durability: str) -> None:
    kept: list[int] = []

    async def look(number: int) -> None:
        kept.append(sum(isinstance(event, events.EffectFinished) for unit in stage.journal.units for event in unit.events))

    stage.does(a=Turns(how=Effects.IDEMPOTENT, before=look))
    await stage.play(TURNS, durability=durability)

    assert kept == [0, 1, 2]


@given(st.data())
async def test_wherever_a_worker_is_lost_no_kept_call_is_made_again(data: st.DataObject) -> None:
    how = data.draw(st.sampled_from([Effects.NONE, Effects.IDEMPOTENT]))
    count, together = data.draw(st.integers(1, 5)), data.draw(st.booleans())
    losses = data.draw(st.lists(st.integers(1, 2 * count + 2), max_size=2))
    async with open_stage() as stage:
        turns = Turns(count, how, together)
        stage.does(a=turns)
        run = await stage.order(TURNS)
        for loss in losses:
            await _lose(stage, loss)
        kept = {number for number, _ in await effects(stage, await stage.run(run))}
        before = Counter(turns.reached)
        ended = await stage.run(run)
        if not ended.status.is_final:
            ended = await again(stage, ended)

        assert await answers(ended) == list(range(1, count + 1))
        assert all(turns.reached[number] == before[number] for number in kept)
        charged = [line for line in await stage.lines(run) if line[3] in ("counted", "unknown")]
        assert len(charged) == sum(turns.reached.values()), "each call that was made is charged, once"
        assert ended.usage.calls == len(charged), "and the run says so"


async def _lose(stage: Stage, units: int) -> None:
    """The worker is gone after so many appends: nothing it does later reaches the store."""
    left = units

    async def before(append: Append) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Fenced("the worker was lost")

    if await stage.store.queue.next_due() is None:
        return
    stage.journal.before = before
    try:
        await stage.engine.drive(await stage.open())
    except Fenced:
        await stage.clock.sleep(60)
    finally:
        stage.journal.before = None


async def test_a_retry_goes_on_at_the_first_call_without_an_outcome(stage: Stage) -> None:
    failures = [NodeExecutionError("not now", "busy", retryable=True)]

    async def fail_once(number: int) -> None:
        if number == 2 and failures:
            raise failures.pop()

    turns = Turns(before=fail_once)
    stage.does(a=turns)
    graph = document({"a": {"kind": "act", "writes": {"n": "${output}"}, "retry": {"attempts": 2}}}, ["start > a"], state=OUT)
    run = await stage.play_to_the_end(graph)

    assert (await answers(run), turns.reached) == ([1, 2, 3], Counter({1: 1, 2: 2, 3: 1}))
    assert [line[3] for line in await stage.lines(run.id)] == ["counted", "void", "counted", "counted"]


async def test_an_error_that_says_so_makes_all_calls_anew(stage: Stage) -> None:
    turns = Turns(2)

    async def act(context: NodeContext) -> Outcome:
        outcome = await turns(context)
        if context.attempt == 1:
            error = NodeExecutionError("that is no use", "unfit", retryable=True)
            error.__dict__["anew"] = True
            raise error
        return outcome

    stage.does(a=act)
    graph = document({"a": {"kind": "act", "writes": {"n": "${output}"}, "retry": {"attempts": 2}}}, ["start > a"], state=OUT)
    run = await stage.play_to_the_end(graph)

    assert (await answers(run), turns.reached) == ([1, 2], Counter({1: 2, 2: 2}))


async def test_a_node_that_asks_something_else_when_it_is_run_again_is_found_out(stage: Stage) -> None:
    turns = Turns()
    stage.does(a=turns)
    run = await stage.order(TURNS)
    await _lose(stage, 3)
    turns.digest = "other"
    ended = await again(stage, await stage.run(run))

    assert (ended.status, ended.failure and ended.failure.code) == ("failed", "nondeterministic")


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "side by side"])
async def test_a_pause_takes_hold_between_two_calls(stage: Stage, together: bool) -> None:
    gate = Gate()

    async def hold(number: int) -> None:
        if number == 2:
            gate.began.set()
            await gate.opened.wait()

    turns = Turns(3, Effects.ONCE, together=together, before=hold)
    stage.does(a=turns)
    run = await stage.order(TURNS)
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.ask(run, "pause")
    await stage.deliver(drive)
    gate.opened.set()
    await driving
    paused = await stage.run(run)

    assert (paused.status, turns.reached) == ("parked", Counter({1: 1, 2: 1}))
    await stage.ask(run, "resume")
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    assert await answers(await stage.run(run)) == [1, 2, 3]
    assert turns.reached == Counter({1: 1, 2: 1, 3: 1})


async def test_a_worker_that_stops_keeps_what_is_under_way_and_begins_nothing(stage: Stage) -> None:
    gate = Gate()

    async def hold(number: int) -> None:
        if number == 2:
            gate.began.set()
            await gate.opened.wait()

    turns = Turns(before=hold)
    stage.does(a=turns)
    run = await stage.order(TURNS)
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    drive.is_stopping = True
    drive.wake.set()
    gate.opened.set()
    await driving

    assert await answers(await again(stage, await stage.run(run))) == [1, 2, 3]
    assert turns.reached == Counter({1: 1, 2: 1, 3: 1})


async def lost_in_its_second_call(stage: Stage, turns: Turns) -> tuple[Run, Gate, "asyncio.Task[None]"]:
    """The worker is stopped there, until somebody else has the run, who does not know what came of it."""
    gate = Gate()

    async def hold(number: int) -> None:
        if number == 2 and not gate.began.is_set():
            gate.began.set()
            await gate.opened.wait()

    turns.before = hold
    stage.does(a=turns)
    run = await stage.order(TURNS)
    stalled = asyncio.create_task(stage.engine.drive(await stage.engine.open(await stage.claim(lease_seconds=1))))
    await gate.began.wait()
    await stage.clock.sleep(2)
    waiting = await again(stage, await stage.run(run))
    assert [one.kind for one in waiting.waiting_for] == ["needs_attention"]
    return waiting, gate, stalled


async def decided(stage: Stage, run: Run, decision: str, output: Json = None) -> Run:
    (waiting,) = run.waiting_for
    assert waiting.kind == "needs_attention"
    assert waiting.about is not None
    await stage.wish(run.id, "resolve", activation="/a#1", decision=decision, output=output, intended_at=waiting.about["intended_at"])
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    return await stage.run(run.id)


@pytest.mark.parametrize(
    ("decision", "expected", "reached"),
    [("happened", [1, ["so"], 3], {1: 1, 2: 1, 3: 1}), ("did_not_happen", [1, 2, 3], {1: 1, 2: 2, 3: 1})],
)
async def test_of_a_once_call_that_was_lost_somebody_decides(stage: Stage, decision: str, expected: Json, reached: dict[int, int]) -> None:
    turns = Turns(how=Effects.ONCE)
    lost, _, stalled = await lost_in_its_second_call(stage, turns)
    run = await decided(stage, lost, decision, "so")
    stalled.cancel()

    assert await answers(run) == expected
    assert turns.reached == Counter(reached)


async def test_a_lost_call_of_which_somebody_says_that_it_failed_is_an_answer_to_the_node(stage: Stage) -> None:
    lost, _, stalled = await lost_in_its_second_call(stage, Turns(how=Effects.ONCE))
    run = await decided(stage, lost, "failed")
    stalled.cancel()

    assert (run.status, run.failure and run.failure.code) == ("failed", "unknown_outcome")


async def test_a_once_call_whose_error_is_no_answer_waits_for_a_person_and_nothing_else_begins(stage: Stage) -> None:
    async def cut(number: int) -> None:
        if number == 2:
            raise ToolError("reset by peer", "connection_lost")

    turns = Turns(how=Effects.ONCE, together=True, before=cut)
    stage.does(a=turns)
    run = await stage.play(TURNS)

    (waiting,) = run.waiting_for
    assert waiting.about is not None
    assert (waiting.kind, waiting.about["reason"]) == ("needs_attention", "connection_lost: reset by peer")
    assert turns.reached == Counter({1: 1, 2: 1})


async def test_a_refusal_is_an_answer_and_the_node_may_go_on(stage: Stage) -> None:
    async def act(context: NodeContext) -> Outcome:
        async def refuse(number: int) -> Performed:
            raise Refused("no money on it", "declined")

        try:
            await context.perform(Effect("tool", "pay", "x", None, Effects.ONCE), refuse)
        except Refused:
            return Finished(["declined"])
        raise AssertionError("it was refused")

    stage.does(a=act)
    run = await stage.play(TURNS)

    assert await answers(run) == ["declined"]


async def test_a_worker_that_lost_the_run_in_a_once_call_tells_its_answer_to_the_next(stage: Stage) -> None:
    turns = Turns(how=Effects.ONCE)
    run, gate, stalled = await lost_in_its_second_call(stage, turns)
    gate.opened.set()
    with pytest.raises(Fenced):
        await stalled
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)

    assert await answers(await stage.run(run.id)) == [1, 2, 3]
    assert turns.reached == Counter({1: 1, 2: 1, 3: 1})


async def test_a_node_may_ask_a_person_in_the_middle_and_goes_on_where_it_was(stage: Stage) -> None:
    turns = Turns(1)

    async def act(context: NodeContext) -> Outcome:
        async def said(number: int) -> Performed:
            assert context.answer is not None
            return Performed(context.answer.value)

        first = await turns(context)
        if context.answer is None:
            return Park("human", question=Question("may I?", {"type": "boolean"}))
        assert isinstance(first, Finished)
        return Finished([await context.perform(Effect("approval", "pay", "may I?"), said), first.output])

    stage.does(a=act)
    run = await stage.play(TURNS)
    (waiting,) = run.waiting_for
    assert waiting.about is not None
    body: dict[str, Json] = {"asked_at": waiting.about["asked_at"], "answer": True, "request": "1"}
    await stage.store.inbox.put(DEFAULT_TENANT, run.thread, run.id, "answer", {"activation": "/a#1", "by": "Ada", **body}, "x")
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)

    assert await answers(await stage.run(run.id)) == [True, [1]]
    assert turns.reached == Counter({1: 1})


async def test_a_call_that_is_cancelled_is_charged_what_it_had_used(stage: Stage) -> None:
    gate = Gate(usage=USED)

    async def hang(number: int) -> None:
        await gate(None)  # type: ignore[arg-type]

    stage.does(a=Turns(before=hang))
    run = await stage.order(TURNS)
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    await stage.ask(run)
    await stage.deliver(drive)
    await driving
    ended = await stage.run(run)

    assert (ended.status, ended.usage.total_tokens) == ("cancelled", 7)
    assert [line[3] for line in await stage.lines(run)] == ["counted"]


async def test_the_limit_of_money_or_tokens_stops_a_node_between_its_calls(stage: Stage) -> None:
    turns = Turns(5)
    stage.does(a=turns)
    graph: Document = {**TURNS, "limits": {"tokens": 8}}
    run = await stage.play(graph)

    assert (run.status, run.failure and run.failure.code) == ("failed", "limit_tokens")
    assert sum(turns.reached.values()) <= 3


async def test_what_a_failed_call_used_is_charged_once(stage: Stage) -> None:
    async def fail(number: int) -> None:
        error = NodeExecutionError("cut", "cut")
        error.__dict__["usage"] = USED
        raise error

    stage.does(a=Turns(1, before=fail))
    run = await stage.play(TURNS)

    assert (run.status, run.usage.calls, run.usage.total_tokens) == ("failed", 1, 7)


async def test_a_node_that_fails_beside_a_call_waits_for_its_answer(stage: Stage) -> None:
    gate = Gate()

    async def act(context: NodeContext) -> Outcome:
        async def pay(number: int) -> Performed:
            gate.began.set()
            await gate.opened.wait()
            return Performed("paid")

        async def fail(number: int) -> Performed:
            await gate.began.wait()
            asyncio.get_running_loop().call_later(0.1, gate.opened.set)
            raise Refused("no", "refused")

        calls = [context.perform(Effect("tool", "pay", "1", None, Effects.ONCE), pay), context.perform(Effect("tool", "x", "2"), fail)]
        await asyncio.gather(*calls)
        raise AssertionError("one of them fails")

    stage.does(a=act)
    run = await stage.play(TURNS)

    assert (run.status, run.failure and run.failure.code) == ("failed", "refused")
    assert (1, "paid") in await effects(stage, run)


async def test_a_node_that_makes_light_of_being_put_down_is_run_again_all_the_same(stage: Stage) -> None:
    gate = Gate()

    async def act(context: NodeContext) -> Outcome:
        async def hold(number: int) -> Performed:
            gate.began.set()
            await gate.opened.wait()
            return Performed(number)

        results: list[Json] = []
        for number in (1, 2):
            (result,) = await asyncio.gather(context.perform(Effect("tool", "t", str(number)), hold), return_exceptions=True)
            results.append(result if isinstance(result, int) else "lost")
        return Finished(results)

    stage.does(a=act)
    run = await stage.order(TURNS)
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    drive.is_stopping = True
    gate.opened.set()
    await driving

    assert await answers(await again(stage, await stage.run(run))) == [1, 2]


async def test_a_once_call_that_was_answered_says_nothing_about_what_fails_after_it(stage: Stage) -> None:
    async def act(context: NodeContext) -> Outcome:
        async def pay(number: int) -> Performed:
            return Performed("paid")

        await context.perform(Effect("tool", "pay", "1", None, Effects.ONCE), pay)
        raise NodeExecutionError("cannot go on", "stuck")

    stage.does(a=act)
    run = await stage.play(TURNS)

    assert (run.status, run.failure and run.failure.code) == ("failed", "stuck")


async def test_a_checkpoint_holds_what_was_kept(stage: Stage) -> None:
    stage.does(a=Turns(how=Effects.ONCE))
    run = await stage.order(TURNS)
    drive = await stage.open()
    graph, graphs = drive.loaded.by_hash[drive.run.workflow_hash].graph, drive.loaded.graphs
    await stage.engine.drive(drive)
    started, *rows = await stage.rows(run)
    assert isinstance(started, events.RunStarted)
    state = fold.begin(started, Position(1), graph, graphs, {})
    for at, row in enumerate(rows[:-2], 2):
        fold.apply(state, row, Position(at))
        again = snapshot.load(json.loads(json.dumps(snapshot.dump(state))), graph, graphs)
        assert again.active[A].effects == state.active[A].effects

    assert [kept.output for kept in state.active[A].effects.values()] == [1, 2, 3]
