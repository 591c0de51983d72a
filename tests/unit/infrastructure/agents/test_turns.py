"""What an agent does with what its model says."""

from typing import Any

import pytest

from domain.decision import Effect
from domain.errors import ModelError, NodeExecutionError
from domain.history import Capture
from domain.policy import Policy
from domain.rules import Aspect, Rule, Rules
from domain.usage import Usage
from infrastructure.nodes.agents.acting import MOST_TOLD_BYTES
from infrastructure.nodes.agents.turns import MOST_CALLS
from tests.unit.infrastructure.agents.stage import Crash, calls, says, table

LOOK_A = ("look", {"word": "a"})
LOOK_B = ("look", {"word": "b"})
STEPS = [{"text": "look around", "status": "done"}, {"text": "write", "status": "pending"}]


def garbage() -> ModelError:
    error = ModelError("it called a tool with arguments that are no JSON object", "model_garbage")
    error.__dict__["usage"] = Usage("m", 10, 5)
    return error


async def test_the_tools_of_one_turn_are_called_side_by_side_and_their_results_told_in_order() -> None:
    played = table(calls(LOOK_A, LOOK_B), calls(LOOK_A), says("done"))
    output = await played.play(tools=["look"])

    assert (output["text"], output["turns"], output["stopped_by"]) == ("done", 3, None)
    assert played.tools.at_once == 2
    assert played.heard == ["a means a", "b means b", "a means a"]
    assert played.journal.kinds == ["begin", "model", "tool", "tool", "model", "tool", "model"]


async def test_the_conversation_is_in_the_output_as_providers_know_it() -> None:
    output = await table(calls(LOOK_A, text="Let me see."), says("done")).play(tools=["look"])

    assert [message["role"] for message in output["messages"]] == ["user", "assistant", "tool", "assistant"]
    asked = output["messages"][1]
    assert (asked["content"], asked["tool_calls"][0]["function"]) == ("Let me see.", {"name": "look", "arguments": '{"word":"a"}'})
    assert output["messages"][2]["tool_call_id"] == asked["tool_calls"][0]["id"]


async def test_a_conversation_that_is_given_goes_on() -> None:
    played = table(says("done"))
    earlier = [{"role": "user", "content": "Hello.", "id": "m1"}, {"role": "assistant", "content": "Yes?"}]
    output = await played.play(messages=earlier, instructions="Be kind.")

    assert [message["content"] for message in played.player.asked[0].messages] == ["Be kind.", "Hello.", "Yes?"]
    assert output["messages"] == [*earlier, {"role": "assistant", "content": "done"}]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        pytest.param(("nope", {}), "there is no tool nope; there are look, broken, find, long", id="a tool that there is not"),
        pytest.param(("look", {"word": 7}), "the arguments do not fit: /word", id="arguments that do not fit"),
        pytest.param(("look", {}), "do not fit", id="arguments that are missing"),
        pytest.param(("pay", {"amount": 1}), "pay is denied here", id="a tool that the author denies"),
        pytest.param(("broken", {"word": "a"}), "failed (", id="a tool that fails"),
        pytest.param(("find", {"word": "a", "books": ["mine"]}), "do not fit", id="an argument that the author gives"),
        pytest.param(("update_plan", {"steps": [{"text": "x", "status": "soon"}]}), "do not fit", id="a plan that is none"),
        pytest.param(("handoff_to_bob", {}), "nobody is called bob", id="somebody that there is not"),
    ],
)
async def test_what_cannot_be_done_is_told_and_the_agent_goes_on(call: Any, words: str) -> None:
    played = table(calls(call), says("done"))
    tools = ["look", "broken", {"tool": "find", "arguments": {"books": ["apple"]}}, "long", "pay"]
    output = await played.play(tools=tools, approvals={"pay": "deny"})

    assert output["text"] == "done"
    assert words in played.heard[0]
    assert "pay" not in [name for name, _ in played.tools.seen]


async def test_what_the_author_gives_of_the_arguments_the_model_does_not_see() -> None:
    played = table(calls(("search", {"word": "app"})), says("done"))
    given = {"tool": "find", "name": "search", "description": "Look in the library.", "arguments": {"books": ["apple", "pear"]}}
    await played.play(tools=[given], plan=False)

    (shown,) = played.player.asked[0].tools
    function: Any = shown["function"]
    assert (function["name"], function["description"]) == ("search", "Look in the library.")
    assert (list(function["parameters"]["properties"]), function["parameters"]["required"]) == (["word"], ["word"])
    assert played.tools.seen == [("find", ("app", ["apple", "pear"]))]
    assert played.heard == ['["apple"]']


async def test_a_model_does_not_change_what_the_author_gives_of_a_tool_that_takes_anything() -> None:
    played = table(calls(("loose", {"word": "a", "owner": "mallory"})), says("done"))
    await played.play(tools=[{"tool": "loose", "arguments": {"owner": "ada"}}])

    assert played.tools.seen == [("loose", {"word": "a", "owner": "ada"})]


class Published:
    """The third version of a prompt, and later the fourth."""

    reference = "support/answer@3"

    def __call__(self, values: Any) -> Any:
        return ({"role": "system", "content": "Be short."}, {"role": "user", "content": f"About {values['what']}, {self.reference}."})


async def test_a_published_prompt_begins_the_conversation_and_every_call_knows_it() -> None:
    played = table(calls(LOOK_A), says("done"))
    prompt = Published()
    played.prompts = {"support/answer": prompt}
    keys = {"tools": ["look"], "prompt": {"use": "support/answer", "with": {"what": "lamps"}}}
    played.journal.crash_at = 2
    with pytest.raises(Crash):
        await played.attempt(keys)
    prompt.reference = "support/answer@4"
    await played.attempt(keys)

    assert [message["content"] for message in played.player.asked[-1].messages[:2]] == ["Be short.", "About lamps, support/answer@3."]
    assert [asked.caller and asked.caller.prompt for asked in played.player.asked] == ["support/answer@3"] * 2


async def test_what_is_said_on_the_way_streams() -> None:
    played = table(calls(LOOK_A, text="Let me see."), says("done"))
    await played.play(tools=["look"])

    assert played.said == ["Let me see.", "done"]


async def test_a_tool_that_is_denied_is_not_offered() -> None:
    played = table(says("done"))
    await played.play(tools=["look", "pay"], approvals={"pay": "deny"}, plan=False)

    assert [tool["function"]["name"] for tool in played.player.asked[0].tools] == ["look"]  # type: ignore[index,call-overload]


async def test_of_ten_thousand_calls_in_one_answer_the_first_are_made_and_the_others_counted() -> None:
    many = [("look", {"word": str(number)}) for number in range(10_000)]
    played = table(calls(*many), says("done"))
    output = await played.play(tools=["look"])

    assert len(played.tools.seen) == MOST_CALLS
    assert len(output["messages"]) == MOST_CALLS + 3
    assert played.heard[-1].endswith(f"{10_000 - MOST_CALLS} more calls of this answer were not made: at most {MOST_CALLS} at once.")


async def test_an_answer_that_cannot_be_read_is_told_and_paid_for() -> None:
    played = table(lambda request: garbage() if len(request.messages) == 1 else says("done"))
    output = await played.play()

    assert (output["text"], output["turns"], output["usage"]["calls"]) == ("done", 2, 2)
    assert "could not be read" in str(played.player.asked[1].messages[-1]["content"])


async def test_a_model_that_cannot_be_reached_fails_the_attempt_and_the_next_one_goes_on_from_there() -> None:
    answers = [calls(LOOK_A), ModelError("too many", "model_rate_limited", retryable=True)]
    played = table(*answers)
    with pytest.raises(ModelError, match="too many"):
        await played.play(tools=["look"])
    played.player.script = [calls(LOOK_A), says("done")]
    output = await played.play(tools=["look"])

    assert (output["text"], output["turns"]) == ("done", 2)
    assert played.tools.seen == [("look", "a")]
    assert len(played.player.asked) == 3


async def test_what_a_tool_returns_is_cut_before_the_model_sees_it() -> None:
    played = table(calls(("long", {"word": "ä"})), says("done"))
    await played.play(tools=["long"])

    assert played.heard[0].endswith(f"[cut: these are the first {MOST_TOLD_BYTES} of 200000 bytes]")
    assert len(played.heard[0].encode()) < MOST_TOLD_BYTES + 100


async def test_what_may_happen_only_once_is_done_one_at_a_time() -> None:
    played = table(calls(("pay", {"amount": 1}), LOOK_A, ("pay", {"amount": 2})), says("done"))
    await played.play(tools=["look", "pay"])

    assert [call for call in played.tools.seen if call[0] == "pay"] == [("pay", 1), ("pay", 2)]
    assert played.tools.at_once == 2
    assert played.heard == ['{"paid":1}', "a means a", '{"paid":2}']


async def test_the_plan_is_in_the_output_and_told_on_the_way() -> None:
    played = table(calls(("update_plan", {"steps": STEPS})), says("done"))
    output = await played.play()

    assert output["plan"] == STEPS
    assert played.told == [
        "turn 1 of at most 10: lead",
        "turn 2 of at most 10: lead; plan: look around (done), write (pending)",
    ]


async def test_without_a_plan_no_plan_is_offered() -> None:
    played = table(calls(("update_plan", {"steps": STEPS})), says("done"))
    output = await played.play(plan=False)

    assert (output["plan"], played.heard) == (None, ["there is no tool update_plan; there are none"])
    assert played.player.asked[0].tools == ()


def narrowed(effect: Effect, **of: str) -> Policy:
    return Policy(Rules((Rule("r", effect, {Aspect(aspect): (name,) for aspect, name in of.items()}),)))


@pytest.mark.parametrize(
    ("agents", "heard"),
    [pytest.param("lead", "is not allowed", id="a rule of the agent"), pytest.param("other", "a means a", id="a rule of another one")],
)
async def test_the_policy_may_speak_of_the_agent(agents: str, heard: str) -> None:
    played = table(calls(LOOK_A), says("done"), policy=narrowed(Effect.DENY, agents=agents, resources="look"))
    await played.play(tools=["look"])

    assert heard in played.heard[0]


async def test_a_call_tells_which_agent_makes_it_and_what_that_one_may() -> None:
    played = table(calls(LOOK_A), says("done"))
    await played.play(tools=["look", {"tool": "find", "name": "search"}])

    (told,) = played.tools.contexts
    assert (told.agent, told.agent_permissions, told.activation) == ("lead", ("look", "find"), "/lead#1")
    assert told.capture is Capture.HASHED


STRICT = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}


async def test_an_answer_that_fits_its_schema_is_in_the_output() -> None:
    output = await table(calls(LOOK_A), says('{"total": 3}')).play(tools=["look"], response_schema=STRICT)

    assert (output["json"], output["turns"]) == ({"total": 3}, 2)


async def test_an_answer_that_does_not_fit_may_be_mended_once_without_tools() -> None:
    played = table(says("three"), says('{"total": 3}'))
    output = await played.play(tools=["look"], response_schema=STRICT)

    assert (output["json"], output["turns"]) == ({"total": 3}, 2)
    assert [(bool(asked.tools), asked.response_schema) for asked in played.player.asked] == [(True, None), (False, STRICT)]


async def test_an_answer_that_never_fits_fails_with_its_beginning() -> None:
    with pytest.raises(NodeExecutionError, match="its last answer begins: three") as raised:
        await table(says("three")).play(response_schema=STRICT)

    assert (raised.value.code, raised.value.retryable, getattr(raised.value, "anew", False)) == ("invalid_output", True, True)


async def test_of_a_long_conversation_the_model_is_given_its_task_and_the_newest() -> None:
    script = iter([*[calls(("look", {"word": f"{number:0300}"})) for number in range(6)], says("done")])
    played = table(lambda request: next(script))
    output = await played.play(tools=["look"], instructions="You look.", context={"max_tokens": 700})

    last = played.player.asked[-1].messages
    assert [message["role"] for message in last] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert (last[1], str(last[-1]["content"])[:300]) == ({"role": "user", "content": "Go."}, f"{5:0300}")
    assert len(output["messages"]) == 14


async def test_what_must_be_given_and_does_not_fit_is_said() -> None:
    played = table(calls(("long", {"word": "a"})), says("done"))
    with pytest.raises(NodeExecutionError, match=r"`context\.max_tokens` is 100") as raised:
        await played.play(tools=["long"], context={"max_tokens": 100})

    assert raised.value.code == "context_too_long"
