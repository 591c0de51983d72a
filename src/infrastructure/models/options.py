"""What a node or an alias may say to a provider, beside what every model takes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from domain.json import Json
from domain.model import ModelRequest
from infrastructure.models.failures import model_error
from infrastructure.models.scripts import SCRIPT_KEYS

FORWARDED = frozenset(
    {
        *("frequency_penalty", "logit_bias", "parallel_tool_calls", "prediction", "presence_penalty", "reasoning_effort", "service_tier"),
        *("thinking", "tool_choice", "top_k", "top_p", "user", "verbosity", "web_search_options"),
    }
)
"""Options that go to the provider. A list, because others lead to other hosts with our keys (`api_base`) or to files."""


def unknown_options(given: Iterable[str]) -> list[str]:
    return sorted(set(given) - FORWARDED - SCRIPT_KEYS)


def forwarded(request: ModelRequest) -> dict[str, Json]:
    """The request's options without the rules of scripted models. `model_bad_request` for one that is neither."""
    if unknown := unknown_options(request.options):
        raise model_error("model_bad_request", f"{request.model}: no option {', '.join(unknown)}; there are {', '.join(sorted(FORWARDED))}")
    return {name: value for name, value in request.options.items() if name in FORWARDED}


def format_of(schema: Mapping[str, Json] | None) -> dict[str, object] | None:
    """Not strict: providers allow only a part of JSON Schema then, and whoever asked checks the answer anyway."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema), "strict": False}} if schema else None


def asked_of(request: ModelRequest) -> dict[str, object]:
    """The request in OpenAI's words, without the model."""
    optional: Mapping[str, object] = {
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "tools": [dict(tool) for tool in request.tools] or None,
        "response_format": format_of(request.response_schema),
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return {**forwarded(request), **given, "messages": [dict(message) for message in request.messages]}


def for_scripts(request: ModelRequest) -> ModelRequest:
    """Without what only providers understand: an alias may have both behind it."""
    if not FORWARDED.intersection(request.options):
        return request
    return replace(request, options={name: value for name, value in request.options.items() if name not in FORWARDED})
