"""A provider's answer, put together from one response or from the pieces of a stream, in the OpenAI shape litellm gives to all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from domain.model import FinishReason, ModelRequest, ModelResponse, ToolCall
from domain.usage import Usage
from infrastructure.models.failures import model_error
from infrastructure.models.prices import Counted, Price
from infrastructure.models.texts import json_in
from infrastructure.models.tokens import tokens_asked, tokens_in

FINISHES: Mapping[str, FinishReason] = {reason.value: reason for reason in FinishReason} | {"function_call": FinishReason.TOOL_CALLS}

Received: TypeAlias = Any
"""An object of litellm's: JSON with attributes, of which any may be missing."""


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Answer:
    """What has come so far. `counted` is what somebody counted, `reported` whether that was the provider."""

    request: ModelRequest
    price: Price | None
    begun: bool = False
    pieces: list[str] = field(default_factory=list)
    calls: dict[int, _Call] = field(default_factory=dict)
    finish: str | None = None
    counted: Counted | None = None
    reported: bool = False

    def take(self, response: Received) -> str:
        """A whole response or a piece of one; returns the text it brought."""
        self.begun = True
        self._take_usage(getattr(response, "usage", None))
        brought = ""
        for choice in response.choices[:1]:
            said = getattr(choice, "message", None) or choice.delta
            brought = said.content or ""
            self.pieces.append(brought)
            self.finish = choice.finish_reason or self.finish
            for position, call in enumerate(getattr(said, "tool_calls", None) or ()):
                self._take_call(getattr(call, "index", None), position, call)
        return brought

    @property
    def usage(self) -> Usage | None:
        """None as long as nothing came. What the provider has not counted is estimated."""
        if not self.begun:
            return None
        counted = self.counted or self._estimate()
        cost = self.price.cost(counted) if self.price else None
        return Usage(self.request.model, counted.prompt, counted.completion, cost, estimated=not self.reported)

    def response(self) -> ModelResponse:
        """The complete answer. Raises `model_garbage` when a tool call's arguments are no JSON object."""
        text = "".join(self.pieces)
        calls = tuple(self._call(call) for _, call in sorted(self.calls.items()))
        finish = FINISHES.get(self.finish or "", FinishReason.TOOL_CALLS if calls else FinishReason.STOP)
        value = json_in(text) if self.request.response_schema is not None else None
        usage = self.usage or Usage(self.request.model, 0, 0, estimated=True)
        return ModelResponse(text, self.request.model, finish, usage, calls, value)

    def _take_usage(self, usage: Received) -> None:
        if usage is None or not (usage.prompt_tokens or usage.completion_tokens):
            return
        asked, answered = getattr(usage, "prompt_tokens_details", None), getattr(usage, "completion_tokens_details", None)
        self.counted = Counted(
            usage.prompt_tokens or 0,
            usage.completion_tokens or 0,
            cached=getattr(asked, "cached_tokens", 0) or 0,
            written=getattr(asked, "cache_creation_tokens", 0) or 0,
            reasoning=getattr(answered, "reasoning_tokens", 0) or 0,
        )
        self.reported = True

    def _take_call(self, index: int | None, position: int, call: Received) -> None:
        known = self.calls.setdefault(position if index is None else index, _Call())
        known.id = known.id or call.id or ""
        known.name = known.name or call.function.name or ""
        known.arguments += call.function.arguments or ""

    def _call(self, call: _Call) -> ToolCall:
        try:
            arguments = json.loads(call.arguments or "{}")
        except (ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, dict) or not call.name:
            raise model_error("model_garbage", f"{self.request.model}: it called a tool with arguments that are no JSON object")
        return ToolCall(call.id, call.name, arguments)

    def _estimate(self) -> Counted:
        calls = sum(tokens_in(call.name + call.arguments) for call in self.calls.values())
        return Counted(tokens_asked(self.request), tokens_in("".join(self.pieces)) + calls)
