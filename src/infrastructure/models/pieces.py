"""What an OpenAI-compatible server sends: responses, pieces of streams and refusals, as plain JSON of which any part may be missing."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from infrastructure.models.answer import Answer
from infrastructure.models.prices import Counted

Sent: TypeAlias = dict[str, Any]


def take(answer: Answer, piece: Sent) -> str:
    """A whole response or a piece of one; returns the text it brought. Whatever is not of this shape raises what Python raises."""
    answer.begun = True
    if usage := piece.get("usage"):
        answer.count(_counted(usage))
    choices = piece.get("choices")
    if not choices:
        return ""
    choice = choices[0]
    said = choice.get("delta") or choice.get("message") or {}
    if finish := choice.get("finish_reason"):
        answer.finish = finish
    for position, call in enumerate(said.get("tool_calls") or ()):
        function, place = call.get("function") or {}, call.get("index")
        answer.call(position if place is None else place, function.get("name") or "", function.get("arguments") or "", call.get("id") or "")
    text: str = said.get("content") or ""
    if text:
        answer.say(text)
    return text


def _counted(usage: Sent) -> Counted:
    asked, answered = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return Counted(
        usage.get("prompt_tokens") or 0,
        usage.get("completion_tokens") or 0,
        cached=asked.get("cached_tokens") or 0,
        written=asked.get("cache_creation_tokens") or 0,
        reasoning=answered.get("reasoning_tokens") or 0,
    )


def refusal(sent: object) -> tuple[str, str]:
    """The sentence and the codes of `{"error": {message, type, code}}`, or of what stands in its place."""
    error = sent.get("error", sent) if isinstance(sent, Mapping) else sent
    if not isinstance(error, Mapping):
        return (error if isinstance(error, str) else ""), ""
    return str(error.get("message") or ""), f"{error.get('type') or ''} {error.get('code') or ''}"
