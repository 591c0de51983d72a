"""Calls of tools, errors and tools themselves as plain JSON, as a cassette keeps them."""

from collections.abc import Mapping
from typing import Any, cast

from domain.cassette import Playback, RecordedCall, Recording, without_bulk
from domain.errors import Failure, ModelError
from domain.ids import ActivationPath
from domain.json import Json, JsonObject
from domain.tool import Effects, Tool, ToolExecutionResult, ToolMetadata, ToolType
from domain.usage import Usage
from infrastructure.models.documents import digest_of, money_as_json, money_from_json, usage_as_json, usage_from_json


def cleaned(document: JsonObject, tape: Recording | Playback) -> JsonObject:
    """Without what is secret."""
    return cast(JsonObject, tape.clean(document))


def question(kind: str, name: str, at: ActivationPath, effect: int, asked: JsonObject, known_by: Json = None) -> RecordedCall:
    """A call without its answer. `known_by`: what its digest is of, where that is more than what was asked."""
    digest = digest_of(asked if known_by is None else known_by)
    return RecordedCall(kind, name, at, effect, digest, cast(JsonObject, without_bulk(asked)))


def failure_as_json(failure: Failure) -> dict[str, Json]:
    about: dict[str, Json] = {"code": failure.code, "message": failure.message}
    return about | _said(retryable=failure.retryable, retry_after=failure.retry_after)


def model_error_as_json(error: ModelError) -> dict[str, Json]:
    used = error.__dict__.get("usage")
    about: dict[str, Json] = {"code": error.code, "message": error.message}
    spent = usage_as_json(used) if isinstance(used, Usage) else None
    return about | _said(retryable=error.retryable, retry_after=error.retry_after, usage=spent)


def model_error_from_json(written: Mapping[str, Any]) -> ModelError:
    retryable, after = written.get("retryable", False), written.get("retry_after")
    error = ModelError(written["message"], written["code"], retryable=retryable, retry_after=after)
    if written.get("usage") is not None:
        error.__dict__["usage"] = usage_from_json(written["usage"])
    return error


def result_as_json(result: ToolExecutionResult) -> tuple[JsonObject | None, JsonObject | None]:
    """Answer and error, of which there is one. How long it took is no part of it."""
    spent = _said(
        token_usage=None if result.token_usage is None else usage_as_json(result.token_usage),
        cost=None if result.cost is None else money_as_json(result.cost),
    )
    if result.error is None:
        return {"output": result.output, **spent}, None
    return None, {**failure_as_json(result.error), **_said(unknown=result.unknown), **spent}


def result_from_json(answer: Mapping[str, Any] | None, error: Mapping[str, Any] | None) -> ToolExecutionResult:
    written = answer if answer is not None else error or {}
    usage, cost = written.get("token_usage"), written.get("cost")
    spent = (None if usage is None else usage_from_json(usage), None if cost is None else money_from_json(cost))
    if answer is not None:
        return ToolExecutionResult(answer["output"], token_usage=spent[0], cost=spent[1])
    retryable, after = written.get("retryable", False), written.get("retry_after")
    failure = Failure(written["code"], written["message"], retryable=retryable, retry_after=after)
    return ToolExecutionResult(error=failure, token_usage=spent[0], unknown=written.get("unknown", False), cost=spent[1])


def tool_as_json(tool: Tool) -> JsonObject:
    return {
        "name": tool.name,
        "type": tool.tool_type.value,
        "description": tool.metadata.description,
        "effects": tool.effects.value,
        "parameters": tool.parameters,
        "returns": tool.returns,
    }


def tool_from_json(written: Mapping[str, Any]) -> Tool:
    about = ToolMetadata(written["description"])
    kind, effects = ToolType(written["type"]), Effects(written["effects"])
    return Tool(written["name"], kind, written["parameters"], about, written["returns"], effects)


def _said(**members: Json) -> dict[str, Json]:
    """Those that say something."""
    return {name: value for name, value in members.items() if value is not None and value is not False}
