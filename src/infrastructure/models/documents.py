"""Calls of models as plain JSON, for caches, journals and cassettes, and the name of what a call asks."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.json import Json, JsonObject
from domain.model import FinishReason, ModelRequest, ModelResponse, ToolCall
from domain.usage import Money, Usage
from infrastructure.models.texts import shortest_json


def request_as_json(request: ModelRequest) -> dict[str, Json]:
    """All that the answer depends on and a node has said; what it did not say is left out. Neither who asks nor how long they wait."""
    asked: dict[str, Json] = {
        "model": request.model,
        "messages": [dict(message) for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "response_schema": request.response_schema,
        "tools": [dict(tool) for tool in request.tools] or None,
        "options": dict(request.options) or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def digest_of(value: Json) -> str:
    """SHA-256 of the value's shortest JSON, in hex."""
    return hashlib.sha256(shortest_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def response_as_json(response: ModelResponse) -> dict[str, Json]:
    return {
        "text": response.text,
        "json": response.json,
        "tool_calls": [call_as_json(call) for call in response.tool_calls],
        "finish_reason": response.finish_reason.value,
        "model": response.model,
        "usage": usage_as_json(response.usage),
        "cached": response.cached,
    }


def call_as_json(call: ToolCall) -> JsonObject:
    return {"id": call.id, "name": call.name, "arguments": call.arguments}


def response_from_json(written: Mapping[str, Any]) -> ModelResponse:
    """What `response_as_json` wrote."""
    calls = tuple(ToolCall(call["id"], call["name"], call["arguments"]) for call in written["tool_calls"])
    usage = usage_from_json(written["usage"])
    text, model, finish = written["text"], written["model"], FinishReason(written["finish_reason"])
    return ModelResponse(text, model, finish, usage, calls, written["json"], written.get("cached", False))


def usage_as_json(usage: Usage) -> dict[str, Json]:
    """Without `prompt`: who asks tells that."""
    earlier: Json = [usage_as_json(one) for one in usage.earlier]
    return _numbers(usage) | ({"earlier": earlier} if usage.earlier else {})


def _numbers(usage: Usage) -> dict[str, Json]:
    return {
        "model": usage.model,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cost": None if usage.cost is None else money_as_json(usage.cost),
        "estimated": usage.estimated,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def money_as_json(money: Money) -> JsonObject:
    return {"amount": format(money.amount, "f"), "currency": money.currency}


def money_from_json(written: Mapping[str, str]) -> Money:
    return Money(Decimal(written["amount"]), written["currency"])


def usage_from_json(written: Mapping[str, Any]) -> Usage:
    cost = written.get("cost")
    return Usage(
        written["model"],
        written["prompt_tokens"],
        written["completion_tokens"],
        None if cost is None else money_from_json(cost),
        written.get("estimated", False),
        written.get("cached_tokens", 0),
        written.get("reasoning_tokens", 0),
        earlier=tuple(usage_from_json(one) for one in written.get("earlier", ())),
    )
