"""Documents as YAML, for people to read and edit: plain words and blocks of lines where nothing can be misread, else JSON's quoting."""

import json
import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_/.-]*( [A-Za-z0-9_/.-]+)*", re.ASCII)
_NOT_TEXT: Final = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""Words that YAML 1.2, or 1.1 before it, reads as something else."""
_LINES: Final = re.compile(r"[^\s\x00-\x1f\x7f-\uffff][^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]*")
_UNPRINTABLE: Final = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def dump_document(document: JsonValue) -> str:
    """Members stay in their order; what `interface.yaml` reads back is the same document."""
    return "\n".join(_lines(document, "")).removeprefix("\n") + "\n"


def _lines(value: JsonValue, indent: str) -> Iterator[str]:
    """The value after what is written already: the rest of its first line, then whole lines."""
    if isinstance(value, dict) and value:
        yield ""
        for name, member in value.items():
            yield from _after(f"{indent}{_scalar(name)}:", member, indent + "  ")
    elif isinstance(value, list) and value:
        yield ""
        for item in value:
            head, *rest = _after(f"{indent}-", item, indent + "  ")
            if head == f"{indent}-":  # an object or a list begins on the line of its dash
                head = f"{head} {rest.pop(0).removeprefix(indent).lstrip(' ')}"
            yield from (head, *rest)
    elif isinstance(value, str) and indent and _is_a_block(value):
        yield " |" if value.endswith("\n") else " |-"
        yield from (indent + line if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield " " + _scalar(value)


def _after(head: str, value: JsonValue, indent: str) -> Iterator[str]:
    lines = _lines(value, indent)
    yield head + next(lines)
    yield from lines


def _is_a_block(text: str) -> bool:
    lines = text.removesuffix("\n").split("\n")
    return len(lines) > 1 and _LINES.fullmatch(text) is not None and lines[-1] != "" and not any(line.isspace() for line in lines)


def _scalar(value: JsonValue) -> str:
    if isinstance(value, str) and _WORD.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
