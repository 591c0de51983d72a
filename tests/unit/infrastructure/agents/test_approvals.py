"""Calls that wait for a person."""

from typing import Any

import pytest

from domain.decision import Effect
from domain.errors import NodeExecutionError
from domain.policy import Policy
from domain.ports.nodes import Finished
from domain.rules import Aspect, Rule, Rules
from infrastructure.nodes.approving import hash_of
from tests.unit.infrastructure.agents.stage import Table, answered, calls, parked, says, table

PAY_1, PAY_2, LOOK = ("pay", {"amount": 1}), ("pay", {"amount": 2}), ("look", {"word": "a"})
KEYS: dict[str, Any] = {"tools": ["pay", "look"], "approvals": {"pay": "ask"}}
YES, NO = {"approved": True}, {"approved": False, "reason": "too much"}


async def test_a_call_that_is_to_be_approved_is_shown_and_nothing_of_its_turn_is_done() -> None:
    played = table(calls(LOOK, PAY_1), says("done"))
    outcome = await played.attempt(KEYS)

    assert parked(outcome) == {
        "tool": "pay",
        "arguments": {"amount": 1},
        "hash": hash_of("pay", {"amount": 1}),
        "call": "t1c2",
        "agent": "lead",
    }
    assert (played.tools.seen, played.journal.kinds) == ([], ["begin", "model"])


@pytest.mark.parametrize(
    ("value", "paid", "heard"),
    [
        pytest.param(YES, [("pay", 1)], '{"paid":1}', id="approved"),
        pytest.param(NO, [], "not called: ada did not approve the call of pay: too much", id="not approved"),
    ],
)
async def test_what_is_said_decides(value: Any, paid: list[Any], heard: str) -> None:
    played = table(calls(PAY_1), says("done"))
    outcome = await played.attempt(KEYS, answered(await played.attempt(KEYS), value))

    assert isinstance(outcome, Finished)
    assert (played.tools.seen, played.heard) == (paid, [heard])
    assert len(played.player.asked) == 2


async def asked_until_done(played: Table, keys: Any, *values: Any) -> list[str]:
    """The calls that were asked about, each answered with the next of `values`."""
    outcome, about = await played.attempt(keys), []
    for value in values:
        about.append(parked(outcome)["call"])
        outcome = await played.attempt(keys, answered(outcome, value))
    assert isinstance(outcome, Finished)
    return about


async def test_several_are_asked_one_after_the_other_and_no_answer_is_lost() -> None:
    played = table(calls(PAY_1, LOOK, PAY_2), calls(PAY_1), says("done"))
    about = await asked_until_done(played, KEYS, YES, NO, YES)

    assert about == ["t1c1", "t1c3", "t2c1"]
    assert sorted(played.tools.seen) == [("look", "a"), ("pay", 1), ("pay", 1)]
    assert len(played.player.asked) == 3


async def test_an_answer_is_not_taken_for_that_of_the_same_call_in_a_later_turn() -> None:
    played = table(calls(PAY_1), calls(PAY_1), says("done"))
    first = await played.attempt(KEYS)
    second = await played.attempt(KEYS, answered(first, YES))
    again = await played.attempt(KEYS, answered(first, YES))

    assert (parked(second)["call"], parked(again)["call"], played.tools.seen) == ("t2c1", "t2c1", [("pay", 1)])


async def test_whoever_may_edit_changes_what_is_called() -> None:
    keys = {**KEYS, "approval": {"editable": True, "who": ["ada"], "deadline_seconds": 60}}
    played = table(calls(PAY_2), says("done"))
    await asked_until_done(played, keys, {"approved": True, "arguments": {"amount": 1}})

    assert played.tools.seen == [("pay", 1)]


async def test_whoever_may_not_edit_changes_nothing() -> None:
    played = table(calls(PAY_2), says("done"))
    await asked_until_done(played, KEYS, {"approved": True, "arguments": {"amount": 1}})

    assert played.tools.seen == [("pay", 2)]


async def test_what_is_called_is_what_was_shown_whatever_became_of_the_state() -> None:
    keys = {"tools": [{"tool": "pay", "arguments": {"amount": "${state.due}"}}], "approvals": {"pay": "ask"}}
    played = table(calls(("pay", {})), says("done"))
    outcome = await played.attempt(keys, state={"due": 5})
    await played.attempt(keys, answered(outcome, YES), state={"due": 500})

    assert (parked(outcome)["arguments"], played.tools.seen) == ({"amount": 5}, [("pay", 5)])


async def test_what_was_shown_and_is_something_else_by_now_is_not_called() -> None:
    played = table(calls(PAY_1), says("done"))
    answer = answered(await played.attempt(KEYS), YES)
    show: Any = answer.about["show"]
    show["arguments"] = {"amount": 100}
    await played.attempt(KEYS, answer)

    assert (played.tools.seen, "is not what pay would be told" in played.heard[0]) == ([], True)


async def test_the_owners_policy_may_want_an_approval_too() -> None:
    played = table(calls(LOOK), says("done"), policy=Policy(Rules((Rule("r", Effect.ASK, {Aspect.RESOURCES: ("look",)}),))))
    assert await asked_until_done(played, {"tools": ["look"]}, YES) == ["t1c1"]

    assert played.heard == ["a means a"]


async def test_a_policy_that_changes_while_somebody_is_asked_changes_nothing_of_what_was_decided() -> None:
    played = table(calls(LOOK, PAY_1), says("done"))
    outcome = await played.attempt(KEYS)
    played.policy = Policy(Rules((Rule("r", Effect.ASK, {Aspect.RESOURCES: ("look",)}),)))
    await played.attempt(KEYS, answered(outcome, YES))

    assert played.tools.seen == [("pay", 1)]
    assert played.heard[0].startswith("failed (approval_needed)")


async def test_arguments_that_nobody_could_approve_are_not_asked_about() -> None:
    played = table(calls(("pay", {"amount": 2**60})), says("done"))
    outcome = await played.attempt(KEYS)

    assert isinstance(outcome, Finished)
    assert "no canonical form" in played.heard[0]


async def test_a_model_cannot_slip_past_by_asking_in_its_repair_turn() -> None:
    played = table(says("three"), calls(PAY_1, text="three"))
    with pytest.raises(NodeExecutionError, match="asked twice"):
        await played.play(**KEYS, response_schema={"type": "object"})

    assert played.tools.seen == []
