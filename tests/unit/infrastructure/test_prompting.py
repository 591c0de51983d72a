"""A node with a published prompt says what that version says, and tells which it was."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from domain.errors import NodeExecutionError
from domain.json import Json, JsonObject
from infrastructure.nodes import llm
from tests.unit.infrastructure.agents.stage import calls, says, table
from tests.unit.infrastructure.test_node_kinds import OneModel, awaited, context, node, workshop


@dataclass(frozen=True)
class Answer:
    """A `ReadyPrompt` that says what it was given."""

    reference: str = "support/answer@3"

    def __call__(self, values: Mapping[str, Json]) -> tuple[JsonObject, ...]:
        return {"role": "system", "content": "Be kind"}, {"role": "user", "content": f"{values}"}


USING = node("llm", model="fast", system="First", prompt={"use": "support/answer", "with": {"ticket": "${state.text}", "n": 2}})


async def test_its_messages_come_behind_the_nodes_own_system_with_the_values_of_with() -> None:
    models = OneModel()
    finished = await awaited(USING, workshop(models), replace(context(), prompts={"support/answer": Answer()}))
    (request,) = models.asked

    assert [(one["role"], one["content"]) for one in request.messages] == [
        ("system", "First"),
        ("system", "Be kind"),
        ("user", "{'ticket': 'hello', 'n': 2}"),
    ]
    assert request.caller is not None
    assert request.caller.prompt == "support/answer@3"
    assert isinstance(finished.output, dict)
    assert finished.output["prompt"] == "support/answer@3"


async def test_a_template_of_its_own_has_no_version() -> None:
    models = OneModel()
    finished = await awaited(node("llm", model="fast", prompt="hi"), workshop(models))

    assert isinstance(finished.output, dict)
    assert "prompt" not in finished.output
    assert models.asked[0].caller is not None
    assert models.asked[0].caller.prompt == ""


async def test_a_prompt_that_the_run_does_not_know_fails_the_node() -> None:
    with pytest.raises(NodeExecutionError, match="the run knows no prompt support/answer") as failed:
        await awaited(USING, workshop())

    assert failed.value.code == "prompt_not_found"


async def test_an_agent_begins_with_it_and_names_it_at_every_turn() -> None:
    played = table(calls(("look", {"word": "a"})), says("done"))
    played.prompts["support/answer"] = Answer()
    output = await played.play(tools=["look"], instructions="First", prompt={"use": "support/answer", "with": {"n": 2}})

    assert [(one["role"], one["content"]) for one in played.player.asked[0].messages] == [
        ("system", "First"),
        ("system", "Be kind"),
        ("user", "{'n': 2}"),
    ]
    assert [request.caller and request.caller.prompt for request in played.player.asked] == ["support/answer@3"] * 2
    assert output["prompt"] == "support/answer@3"


def test_expressions_in_with_are_compiled_and_read_where_they_stand() -> None:
    found = llm.kind.inspect(node("llm", model="fast", prompt={"use": "a", "with": {"x": "${state.", "y": "${state.list}"}}), workshop())

    assert [(one.pointer, one.code) for one in found.problems] == [("/prompt/with/x", "expression_error")]
    assert [(one.pointer, one.paths) for one in found.reads] == [("/prompt/with/y", frozenset({("state", "list")}))]
