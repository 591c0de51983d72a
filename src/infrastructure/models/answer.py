"""A provider's answer, put together from one response or from the pieces of a stream, whichever adapter reads them."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Final

from domain.model import FinishReason, ModelRequest, ModelResponse, ToolCall
from domain.usage import Usage
from infrastructure.models.failures import model_error
from infrastructure.models.prices import Counted, Price
from infrastructure.models.texts import asks_for_an_hour, images_in, json_in
from infrastructure.models.tokens import tokens_asked, tokens_in

FINISHES: Mapping[str, FinishReason] = {reason.value: reason for reason in FinishReason} | {"function_call": FinishReason.TOOL_CALLS}

_MOST: Final = 10**12
"""Tokens of one call."""


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

    def say(self, text: str) -> None:
        self.pieces.append(text)

    def call(self, place: int, name: str, arguments: str, id: str) -> None:
        """A tool call, or a further piece of the one in that place."""
        known = self.calls.setdefault(place, _Call())
        known.id = known.id or id
        known.name = known.name or name
        known.arguments += arguments

    def count(self, counted: Counted) -> None:
        """As the provider did. A count that cannot be true is none: it would be paid back by the budgets."""
        told = astuple(replace(counted, hour=counted.hour or 0))
        if all(type(tokens) is int and 0 <= tokens <= _MOST for tokens in told) and (counted.prompt or counted.completion):
            self.counted, self.reported = _with_its_parts(replace(counted, hour=self._for_an_hour(counted))), True

    def _for_an_hour(self, counted: Counted) -> int:
        """Who asks for it and is not told how much of it there was, is charged for all that was written."""
        if counted.hour is None:
            return counted.written if asks_for_an_hour(self.request) else 0
        return min(counted.hour, counted.written)

    @property
    def usage(self) -> Usage | None:
        """None as long as nothing came. What the provider has not counted is estimated."""
        return self.left() if self.begun else None

    def left(self) -> Usage:
        """Also where nothing came before somebody had waited long enough: the prompt was read, and is charged for."""
        counted = replace(self.counted or self._estimate(), images=sum(map(images_in, self.request.messages)))
        cost = self.price.cost(counted) if self.price else None
        known = (counted.prompt, counted.completion, cost, not self.reported)
        return Usage(self.request.model, *known, cached_tokens=counted.cached, reasoning_tokens=counted.reasoning)

    def response(self) -> ModelResponse:
        """The complete answer. Raises `model_garbage` when a tool call's arguments are no JSON object."""
        text = "".join(self.pieces)
        calls = tuple(self._call(call) for _, call in sorted(self.calls.items()))
        finish = FINISHES.get(self.finish or "", FinishReason.TOOL_CALLS if calls else FinishReason.STOP)
        value = json_in(text) if self.request.response_schema is not None else None
        usage = self.usage or Usage(self.request.model, 0, 0, estimated=True)
        return ModelResponse(text, self.request.model, finish, usage, calls, value)

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


def _with_its_parts(counted: Counted) -> Counted:
    """Some tell beside what others tell as a part of it."""
    apart, thought = counted.cached + counted.written, counted.reasoning
    prompt = counted.prompt + (apart if apart > counted.prompt else 0)
    return replace(counted, prompt=prompt, completion=counted.completion + (thought if thought > counted.completion else 0))
