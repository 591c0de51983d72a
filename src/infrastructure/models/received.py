"""What litellm hands over, whoever the provider is: responses and pieces of streams, as objects in the OpenAI shape."""

from typing import Any, TypeAlias

from infrastructure.models.answer import Answer
from infrastructure.models.prices import Counted

Received: TypeAlias = Any
"""An object of litellm's: JSON with attributes, of which any may be missing."""


def take(answer: Answer, response: Received) -> str:
    """A whole response or a piece of one; returns the text it brought."""
    answer.begun = True
    _count(answer, getattr(response, "usage", None))
    brought = ""
    for choice in response.choices[:1]:
        said = getattr(choice, "message", None) or choice.delta
        brought = said.content or ""
        answer.say(brought)
        answer.finish = choice.finish_reason or answer.finish
        for position, call in enumerate(getattr(said, "tool_calls", None) or ()):
            index = getattr(call, "index", None)
            answer.call(position if index is None else index, call.function.name or "", call.function.arguments or "", call.id or "")
    return brought


def _count(answer: Answer, usage: Received) -> None:
    if usage is None:
        return
    asked, answered = getattr(usage, "prompt_tokens_details", None), getattr(usage, "completion_tokens_details", None)
    answer.count(
        Counted(
            usage.prompt_tokens or 0,
            usage.completion_tokens or 0,
            cached=getattr(asked, "cached_tokens", 0) or 0,
            written=getattr(asked, "cache_creation_tokens", 0) or 0,
            reasoning=getattr(answered, "reasoning_tokens", 0) or 0,
            hour=getattr(getattr(asked, "cache_creation_token_details", None), "ephemeral_1h_input_tokens", None),
        )
    )
