"""An agent that dies anywhere and is run again does nothing twice and comes to the same end."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import LimitReached, NodeExecutionError, Nondeterministic
from domain.ports.nodes import Finished, Park
from infrastructure.nodes.tool import FailedCall
from tests.unit.infrastructure.agents.stage import Crash, Journal, Table, answered, calls, says, table

KEYS: dict[str, Any] = {
    "instructions": "You are {{ state.mood }}.",
    "tools": ["look", "pay", "broken", "dear"],
    "approvals": {"pay": "ask"},
    "handoffs": {"other": {"description": "another one", "tools": ["look", "pay"]}},
    "max_turns": 8,
    "max_cost_usd": "1.10",
    "ping_pong_limit": 2,
}
WORDS = st.sampled_from("ab")
CALLS = st.one_of(
    st.builds(lambda word: ("look", {"word": word}), WORDS),
    st.builds(lambda word: ("dear", {"word": word}), WORDS),
    st.builds(lambda word: ("broken", {"word": word}), WORDS),
    st.builds(lambda amount: ("pay", {"amount": amount}), st.integers(1, 2)),
    st.sampled_from([("nope", {}), ("look", {"word": 1}), ("handoff_to_other", {}), ("handoff_to_lead", {})]),
    st.just(("update_plan", {"steps": [{"text": "go", "status": "done"}]})),
)
SCRIPTS = st.lists(st.lists(CALLS, min_size=1, max_size=4).map(lambda wanted: calls(*wanted)), max_size=5)


async def to_the_end(played: Table, answers: list[bool]) -> tuple[str, Any]:
    """However often it dies; people say the next of `answers` to each question, the same to the same one."""
    answer, mood = None, 0
    said: dict[str, bool] = {}
    while True:
        mood += 1  # the state is another one at each attempt
        try:
            outcome = await played.attempt(KEYS, answer, {"mood": mood})
        except Crash:
            played.journal.crash_at = 0
            continue
        except (NodeExecutionError, LimitReached) as error:
            return "failed", error.code
        if isinstance(outcome, Finished):
            return "finished", outcome.output
        assert isinstance(outcome, Park)
        show: Any = answered(outcome, {}).about["show"]
        is_fine = said.setdefault(show["call"], answers[len(said) % len(answers)])
        answer = answered(outcome, {"approved": is_fine})


@settings(deadline=None, max_examples=60)
@given(SCRIPTS, st.integers(1, 30), st.lists(st.booleans(), min_size=1, max_size=3))
async def test_no_call_is_made_twice_and_the_end_is_the_same(script: list[Any], crash_at: int, answers: list[bool]) -> None:
    whole, broken = table(*script, says("done")), table(*script, says("done"))
    broken.journal.crash_at = crash_at
    expected = await to_the_end(whole, answers)

    assert await to_the_end(broken, answers) == expected
    assert Counter(broken.journal.made) == Counter(whole.journal.made)
    assert len(broken.player.asked) == len(whole.player.asked)
    assert [call for call in broken.tools.seen if call[0] == "pay"] == [call for call in whole.tools.seen if call[0] == "pay"]
    assert sum(usage.total_tokens for usage in broken.journal.used) == sum(usage.total_tokens for usage in whole.journal.used)


@pytest.mark.parametrize("turn", range(1, 8))
async def test_a_crash_in_turn_k_repeats_nothing_of_the_turns_before(turn: int) -> None:
    script = [calls(("look", {"word": str(number)})) for number in range(7)]
    played = table(*script, says("done"))
    played.journal.crash_at = 2 * turn  # begin, then model and tool by turns
    with pytest.raises(Crash):
        await played.play(tools=["look"])
    before = list(played.tools.seen)
    output = await played.play(tools=["look"])

    assert (output["turns"], len(played.player.asked)) == (8, 8)
    assert before == [("look", str(number)) for number in range(turn - 1)]
    assert played.tools.seen == [("look", str(number)) for number in range(7)]


async def test_another_conversation_than_the_journal_has_is_noticed() -> None:
    played = table(calls(("look", {"word": "a"})), says("done"))
    await played.play(tools=["look"])
    effect, _ = played.journal.kept[3]
    played.journal.kept[3] = (effect, {"content": "something else", "usage": None})

    with pytest.raises(Nondeterministic):
        await played.play(tools=["look"])


class DecidedFailed(NodeExecutionError):
    """As the engine raises it."""

    is_answer = True


@pytest.mark.parametrize(
    ("decided", "heard"),
    [
        pytest.param({"paid": 7}, '{"paid":7}', id="it happened"),
        pytest.param(
            DecidedFailed("the bank never saw it", "unknown_outcome"), "failed (unknown_outcome): the bank never saw it", id="not"
        ),
    ],
)
async def test_what_a_person_says_came_of_a_lost_call_the_model_is_told(decided: Any, heard: str) -> None:
    played = table(calls(("pay", {"amount": 7})), says("done"))
    played.journal.decided[3] = decided
    output = await played.play(tools=["pay"])

    assert (output["text"], played.heard, played.tools.seen) == ("done", [heard], [])


async def test_nobody_goes_on_from_a_call_whose_outcome_is_not_known() -> None:
    played = table(calls(("pay", {"amount": 700})), says("done"))
    with pytest.raises(FailedCall) as raised:
        await played.play(tools=["pay"])

    assert (raised.value.is_answer, len(played.player.asked)) == (False, 1)


async def test_a_call_has_its_key_over_all_attempts_of_a_conversation_and_another_in_a_new_one() -> None:
    keys = {"tools": ["look"]}
    played = table(calls(("look", {"word": "a"})), calls(("look", {"word": "b"})), says("done"))
    played.journal.crash_at = 3
    with pytest.raises(Crash):
        await played.attempt(keys)
    await played.attempt(keys, number=2)
    played.journal = Journal()
    await played.attempt(keys, number=3)

    called_with = [context.idempotency_key for context in played.tools.contexts]
    announced = [effect.key(number) for number, (effect, _) in played.journal.kept.items() if effect.key is not None]
    assert called_with == ["r/lead#1/3", "r/lead#1/5", "r/lead#1/3/3", "r/lead#1/5/3"]
    assert announced == called_with[2:], "the engine writes down the key that the tool is given"
