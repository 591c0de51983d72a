"""The text in what is said to a model, and the JSON in what it says."""

import json
from collections.abc import Mapping, Sequence

from domain.json import Json, JsonObject
from domain.model import ModelRequest


def text_of(message: JsonObject) -> str:
    """A message's text, whether `content` is a string or a list of parts; other parts than text are left out."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else []
    return "\n".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)


def images_in(message: JsonObject) -> int:
    """How many of a message's parts are images."""
    content = message.get("content")
    parts = content if isinstance(content, list | tuple) else ()
    return sum(isinstance(part, Mapping) and ("image_url" in part or part.get("type") == "image") for part in parts)


def asks_for_an_hour(request: ModelRequest) -> bool:
    """Does it ask the provider to keep something in its cache for longer than the usual five minutes?"""
    return any(map(_is_kept_long, (*request.messages, *request.tools)))


def _is_kept_long(told: Json) -> bool:
    """`cache_control` stands at a message, at a part of it, or at a tool."""
    if isinstance(told, list | tuple):
        return any(map(_is_kept_long, told))
    if not isinstance(told, Mapping):
        return False
    control = told.get("cache_control")
    is_long = isinstance(control, Mapping) and control.get("ttl", "5m") != "5m"
    return is_long or _is_kept_long(told.get("content")) or _is_kept_long(told.get("function"))


def instructions_in(messages: Sequence[JsonObject]) -> str:
    return "\n\n".join(text_of(message) for message in messages if message.get("role") == "system")


def calls_in(message: JsonObject) -> Mapping[str, tuple[str, str]]:
    """The tool calls of a message by id: name, and arguments as JSON."""
    calls = message.get("tool_calls")
    found = {}
    for call in calls if isinstance(calls, list | tuple) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(call, Mapping) and isinstance(function, Mapping):
            found[str(call.get("id"))] = (str(function.get("name")), str(function.get("arguments")))
    return found


def tool_before(messages: Sequence[JsonObject]) -> str:
    """The tool whose result the last message is, or ""."""
    asked = str(messages[-1].get("tool_call_id")) if messages and messages[-1].get("role") == "tool" else ""
    return next((calls[asked][0] for message in reversed(messages) if asked in (calls := calls_in(message))), "")


def shortest_json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def json_in(text: str) -> Json:
    """The value that the text is, None when it is not JSON (NaN and Infinity are not)."""
    try:
        value: Json = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return value


def _no_number(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
