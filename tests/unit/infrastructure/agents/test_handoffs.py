"""Agents that hand over to each other."""

from typing import Any

import pytest

from domain.errors import NodeExecutionError
from tests.unit.infrastructure.agents.stage import calls, says, table

TEAM: dict[str, Any] = {
    "finder": {"description": "finds things", "instructions": "You find {{ state.what }}.", "model": "careful", "tools": ["find"]},
    "writer": {"description": "writes", "instructions": "You write.", "handoffs": ["lead"]},
}


def to(name: str, message: str = "") -> Any:
    return calls((f"handoff_to_{name}", {"message": message} if message else {}))


def who(request: Any) -> str:
    return str(request.messages[0]["content"])


async def test_the_conversation_goes_on_with_the_other_ones_words_model_and_tools() -> None:
    played = table(to("finder", "find an apple"), to("writer"), to("lead"), says("done"))
    keys = {"tools": ["look"], "instructions": "You lead.", "handoffs": TEAM, "plan": False}
    outcome: Any = await played.attempt(keys, state={"what": "fruit"})
    output, asked = outcome.output, played.player.asked

    assert [who(request) for request in asked] == ["You lead.", "You find fruit.", "You write.", "You lead."]
    assert [request.model for request in asked] == ["fast", "careful", "fast", "fast"]
    assert [[tool["function"]["name"] for tool in request.tools] for request in asked] == [  # type: ignore[index,call-overload]
        ["look", "handoff_to_finder", "handoff_to_writer"],
        ["find", "handoff_to_lead", "handoff_to_writer"],
        ["handoff_to_lead"],
        ["look", "handoff_to_finder", "handoff_to_writer"],
    ]
    assert played.heard[0] == "You are finder now; lead handed over to you: find an apple"
    assert (output["agent"], [(one["from"], one["to"]) for one in output["handoffs"]]) == (
        "lead",
        [("lead", "finder"), ("finder", "writer"), ("writer", "lead")],
    )


async def test_only_the_first_handoff_of_an_answer_counts() -> None:
    played = table(calls(("handoff_to_finder", {}), ("handoff_to_writer", {})), says("done"))
    output = await played.play(handoffs={**TEAM, "finder": {"description": "f"}})

    assert output["agent"] == "finder"
    assert played.heard[1].startswith("not done: only one handoff")


async def test_nobody_hands_over_to_whom_it_may_not() -> None:
    played = table(to("writer"), to("finder"), says("done"))
    output = await played.play(handoffs=TEAM | {"finder": {"description": "f"}})

    assert (output["agent"], played.heard[1]) == ("writer", "nobody is called finder; there are lead")


def ping_pong(request: Any) -> Any:
    return to("lead" if who(request) == "You write." else "writer")


async def test_two_that_only_hand_over_to_each_other_are_stopped() -> None:
    played = table(ping_pong)
    with pytest.raises(NodeExecutionError, match="lead and writer handed over to each other 5 times") as raised:
        await played.play(instructions="You lead.", handoffs={"writer": TEAM["writer"]}, ping_pong_limit=4, max_turns=50)

    assert (raised.value.code, len(played.player.asked)) == ("handoff_loop", 5)


async def test_two_that_work_in_between_may_go_to_and_fro_until_there_were_too_many_handoffs_in_all() -> None:
    def working(request: Any) -> Any:
        return calls(("look", {"word": str(len(request.messages))}), ("handoff_to_lead" if who(request) == "B" else "handoff_to_b", {}))

    played = table(working)
    both = {"b": {"description": "b", "instructions": "B", "tools": ["look"]}}
    with pytest.raises(NodeExecutionError, match="more than 7 times") as raised:
        await played.play(instructions="A", tools=["look"], handoffs=both, max_handoffs=7, ping_pong_limit=2, max_turns=50)

    assert (raised.value.code, len(played.player.asked)) == ("handoff_loop", 8)


async def test_an_agent_may_not_call_what_only_another_one_has() -> None:
    played = table(to("writer"), calls(("look", {"word": "a"})), says("done"))
    await played.play(tools=["look"], handoffs={"writer": TEAM["writer"]})

    assert (played.heard[1], played.tools.seen) == ("there is no tool look; there are none", [])
