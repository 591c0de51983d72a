"""The offline model uses the tools it is offered, comes to an end, and says what came back."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.json import Json, JsonObject
from domain.model import ModelRequest, ModelResponse
from infrastructure.models.scripted import ScriptedModels

TASK = "Find out about the boiler.\nHow old is it?\nWhat does it cost?"
FOUND: JsonObject = {"results": [{"title": "Report", "snippet": "It is from 1998."}]}


def offered(name: str, required: list[str], **properties: Json) -> JsonObject:
    parameters: JsonObject = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


SEARCH = offered("search", ["query"], query={"type": "string"}, limit={"type": "integer"})
PLAN = offered("update_plan", ["steps"], steps={"type": "array"})
TO_BOB = offered("handoff_to_bob", [])
TO_LEAD = offered("handoff_to_lead", [])


async def answer(messages: list[JsonObject], *tools: JsonObject, **how: Any) -> ModelResponse:
    return await ScriptedModels().complete(ModelRequest("scripted/assistant", tuple(messages), tools=tools, **how))


async def held(*tools: JsonObject, most: int = 10) -> tuple[list[list[str]], str]:
    """The names called in each turn, and the answer; every tool finds the same."""
    messages: list[JsonObject] = [{"role": "user", "content": TASK}]
    turns: list[list[str]] = []
    for _ in range(most):
        said = await answer(messages, *tools)
        if not said.tool_calls:
            return turns, said.text
        turns.append([call.name for call in said.tool_calls])
        names = [f"c{len(turns)}{number}" for number, _ in enumerate(said.tool_calls)]
        asked: list[Json] = [
            {"id": id, "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
            for id, call in zip(names, said.tool_calls, strict=True)
        ]
        messages.append({"role": "assistant", "content": said.text or None, "tool_calls": asked})
        for id, call in zip(names, said.tool_calls, strict=True):
            to = call.name.removeprefix("handoff_to_")
            told = json.dumps(FOUND) if to == call.name else f"You are {to} now; lead handed over to you."
            messages.append({"role": "tool", "tool_call_id": id, "content": told})
    raise AssertionError(f"it goes on and on: {turns}")


async def test_each_question_is_looked_up_with_a_plan_and_then_answered() -> None:
    turns, text = await held(SEARCH, PLAN)

    assert turns == [["update_plan", "search", "search"], ["update_plan"]]
    assert text.startswith("[scripted] How old is it?\n- It is from 1998. (Report)")


async def test_whoever_was_handed_the_conversation_gives_it_back() -> None:
    messages: list[JsonObject] = [
        {"role": "user", "content": TASK},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "handoff_to_bob", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "You are bob now; lead handed over to you."},
    ]
    said = await answer(messages, TO_LEAD)

    assert [call.name for call in said.tool_calls] == ["handoff_to_lead"]
    assert said.text.startswith("[scripted]")


async def test_each_of_the_others_is_asked_once() -> None:
    messages: list[JsonObject] = [{"role": "user", "content": TASK}]
    first = await answer(messages, TO_BOB)

    assert [(call.name, call.arguments) for call in first.tool_calls] == [("handoff_to_bob", {"message": "Find out about the boiler."})]


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(offered("add", ["a", "b"], a={"type": "string"}, b={"type": "string"}), id="it wants two things"),
        pytest.param(offered("sleep", ["seconds"], seconds={"type": "number"}), id="it wants a number"),
        pytest.param(offered("now", []), id="it wants nothing"),
    ],
)
async def test_a_tool_that_no_question_fits_is_left_alone(tool: JsonObject) -> None:
    turns, text = await held(tool)

    assert (turns, text.startswith("[scripted]")) == ([], True)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([SEARCH, PLAN, TO_BOB]), unique_by=str), st.text(max_size=200))
async def test_whatever_it_is_offered_it_comes_to_an_end(tools: list[JsonObject], task: str) -> None:
    said = await answer([{"role": "user", "content": task}], *tools)
    assert said.text or said.tool_calls

    turns, text = await held(*tools)
    assert (len(turns) <= 4, bool(text)) == (True, True)


INVOICE = "Read this:\n```\nInvoice number: 17\nTotal amount due: EUR 1,200.50\nTotal: EUR 1,190.00\n```"
NUMBER: JsonObject = {"type": ["string", "null"], "pattern": "^[0-9]+([.][0-9]+)?$"}


@pytest.mark.parametrize(
    ("name", "schema", "value"),
    [
        pytest.param("invoice_number", {"type": "string"}, "17", id="a text behind its label"),
        pytest.param("total", NUMBER, "1190.00", id="a number behind the shortest label"),
        pytest.param("amount_due", NUMBER, "1200.50", id="a number behind part of a label"),
        pytest.param("tax", NUMBER, None, id="nothing that is not there"),
    ],
)
async def test_fields_are_read_from_the_lines_that_name_them(name: str, schema: JsonObject, value: Json) -> None:
    wanted: JsonObject = {"type": "object", "properties": {name: schema}, "required": [name]}
    said = await answer([{"role": "user", "content": INVOICE}], response_schema=wanted)

    assert said.json == {name: value}
