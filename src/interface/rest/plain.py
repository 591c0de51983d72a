"""JSON that reads well and cannot be kept: numbers beyond every store's range, and text that is no Unicode."""

import math
import re
from collections.abc import Iterator

from pydantic import JsonValue

from application.errors import Problem, ValidationError

BIGGEST = 2**63 - 1
_SUSPICIOUS = (re.compile(rb"[0-9](?:[0-9]{18}|[eE][+-]?[0-9])"), re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)"))
"""Bytes without which JSON holds nothing of the kind; a search goes five times faster where all that is sought begins alike. YAML has more
spellings, and is always looked through."""


def refuse_unstorable(raw: bytes, document: JsonValue, *, is_json: bool) -> None:
    """`ValidationError` with a pointer to each such value of the document that `raw` was read into."""
    if not is_json or any(one.search(raw) for one in _SUSPICIOUS):
        problems = list(_unstorable(document))
        if problems:
            raise ValidationError("the body holds values that cannot be kept: see `problems`", problems)


def _unstorable(document: JsonValue) -> Iterator[Problem]:
    rest: list[tuple[str, JsonValue]] = [("", document)]
    while rest:
        pointer, value = rest.pop()
        if isinstance(value, dict):
            rest.extend((f"{pointer}/{_printable(name)}", member) for name, member in value.items())
            rest.extend((pointer, name) for name in value)
        elif isinstance(value, list):
            rest.extend((f"{pointer}/{number}", item) for number, item in enumerate(value))
        elif sentence := _objection(value):
            yield Problem(pointer, "unstorable", sentence)


def _objection(value: str | float | None) -> str:
    match value:
        case bool() | None:
            return ""
        case int():
            return "" if -BIGGEST - 1 <= value <= BIGGEST else "an integer must fit 64 bits: write it as a string"
        case float():
            return "" if math.isfinite(value) else "a number must be finite"
        case str():
            return "" if _is_text(value) else "text must be Unicode without NUL and without half of a surrogate pair"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _printable(name: str) -> str:
    return name.encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")
