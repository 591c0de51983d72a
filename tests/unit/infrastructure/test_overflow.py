"""A context that is too long says what in it is."""

from dataclasses import dataclass

import pytest

from domain.errors import ModelError
from domain.json import Json
from domain.model import ModelRequest, ModelResponse, OnText
from infrastructure.models.failures import model_error
from infrastructure.nodes.overflow import telling_what_is_long
from tests.unit.infrastructure.test_node_kinds import OneModel, awaited, context, node, workshop


@dataclass
class TooSmall(OneModel):
    code: str = "model_context_length"

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        raise model_error(self.code, "fast-1: too long")


async def said(code: str = "model_context_length", **config: str) -> str:
    ticket, notes = "x" * 4_000, ["y" * 400]
    state: Json = {"ticket": ticket, "notes": notes, "deep": {"er": "z" * 40}, "unread": "w" * 40_000}
    with pytest.raises(ModelError) as caught:
        await awaited(node("llm", model="fast", **config), workshop(TooSmall(code=code)), context(state=state))
    return caught.value.message


async def test_the_largest_channels_that_the_node_reads_are_named() -> None:
    told = await said(prompt="{{ state.deep.er }} {{ state.notes }} {{ state.ticket }}")

    assert told == (
        "fast-1: too long; of what it was given "
        "`state.ticket` has about 1,000 tokens, `state.notes` has about 101 tokens, `state.deep.er` has about 10 tokens"
    )


async def test_of_several_messages_the_largest_is_named() -> None:
    told = await said(prompt="{{ state.ticket }}", system="Be brief")

    assert told.endswith("`state.ticket` has about 1,000 tokens, message 2 of 2 (user) has about 1,004")


async def test_other_errors_are_left_alone() -> None:
    assert await said("model_bad_request", prompt="{{ state.ticket }}") == "fast-1: too long"


def test_a_prompt_that_reads_nothing_has_nothing_to_name() -> None:
    with pytest.raises(ModelError) as caught, telling_what_is_long(ModelRequest("fast", ()), {}):
        raise model_error("model_context_length", "too long")

    assert caught.value.message == "too long"
