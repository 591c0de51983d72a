"""What an `llm` node's expressions see of its answer."""

from domain.json import Json, JsonObject
from domain.model import ModelRequest
from domain.usage import Usage
from infrastructure.models.documents import call_as_json, money_as_json
from infrastructure.nodes.repairing import Read


def output_of(read: Read, request: ModelRequest) -> dict[str, Json]:
    """`parameters`: what the model was told to be by, null where the node does not say."""
    response = read.response
    return {
        "text": response.text,
        "json": read.json,
        "tool_calls": [call_as_json(call) for call in response.tool_calls],
        "finish_reason": response.finish_reason.value,
        "model": response.model,
        "usage": _usage_as_json(read.usage),
        "parameters": {"temperature": request.temperature, "max_tokens": request.max_tokens, "seed": request.seed},
        "cached": response.cached,
        "repairs": read.repairs,
    }


def _usage_as_json(usage: Usage) -> JsonObject:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cost": None if usage.cost is None else money_as_json(usage.cost),
        "estimated": usage.estimated,
    }
