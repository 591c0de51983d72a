"""Arguments that fit a JSON Schema, found by trying: what a model would give a tool that it sees for the first time."""

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Final

from hypothesis import strategies
from hypothesis.errors import HypothesisException, NonInteractiveExampleWarning

_FORMATS: Final = {
    "date": "2026-11-21", "date-time": "2026-11-21T19:00:00Z", "time": "19:00:00Z", "uuid": "0190a1b2-0000-7000-8000-000000000000",
    "email": "someone@example.com", "uri": "https://example.com/", "url": "https://example.com/", "hostname": "example.com",
    "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "byte": "eA==", "duration": "P1D",
}  # fmt: skip
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class Way:
    """`choice`: which of several it is. `told`: examples and defaults before anything else. `full`: with what may be left out."""

    choice: int
    told: bool
    full: bool


def candidates(schema: Any, *, full: bool) -> Iterator[Any]:
    """Values for the whole schema, the likeliest first."""
    for choice, told in product(range(4), (False, True)):
        yield _Finder(schema, Way(choice, told, full)).value(schema, 0)


@dataclass(frozen=True, slots=True)
class _Finder:
    root: Any
    way: Way

    def value(self, schema: Any, depth: int) -> Any:
        return _merged(self._values(schema, depth))

    def _values(self, schema: Any, depth: int) -> list[Any]:
        """What each part of it wants; nothing where it takes anything."""
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return []
        if "const" in schema:
            return [schema["const"]]
        if schema.get("enum"):
            known = [one for one in schema["enum"] if one is not None] or schema["enum"]
            return [known[self.way.choice % len(known)]]
        if self.way.told and (given := [*schema.get("examples", ()), *([schema["default"]] if "default" in schema else [])]):
            return [given[0]]
        return [*self._parts(schema, depth), *self._own(schema, depth)]

    def _parts(self, schema: Any, depth: int) -> list[Any]:
        parts = []
        if reference := schema.get("$ref"):
            parts += self._values(self.root["$defs"][reference.removeprefix("#/$defs/")], depth + 1)
        for one in schema.get("allOf", ()):
            parts += self._values(one, depth + 1)
        for word in ("anyOf", "oneOf"):
            if offered := schema.get(word):
                parts += self._values(offered[self.way.choice % len(offered)], depth + 1)
        return parts

    def _own(self, schema: Any, depth: int) -> list[Any]:
        kind = schema.get("type")
        kinds = [one for one in ([kind] if isinstance(kind, str) else kind or []) if one != "null"]
        if not kinds:
            kinds = ["object"] if "properties" in schema or "required" in schema else ["array"] if "items" in schema else []
        match kinds[self.way.choice % len(kinds)] if kinds else None:
            case "object":
                return [self._object(schema, depth)]
            case "array":
                return [self._array(schema, depth)]
            case "string":
                return [self._text(schema)]
            case "integer" | "number" as number:
                return [_number(schema, number)]
            case "boolean":
                return [True]
        return [self._text(schema)] if {"pattern", "minLength"} & schema.keys() else []

    def _object(self, schema: Any, depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        wanted = [*required, *(properties if (self.way.full and depth <= 1) else [])]
        while len(set(wanted)) < schema.get("minProperties", 0):
            spare = [name for name in properties if name not in wanted]
            wanted.append(spare[0] if spare else f"more_{len(wanted)}")
        rest = schema.get("additionalProperties", {})
        if not wanted and depth == 1 and rest is not False:
            wanted = [*properties, "more"][:1]
        return {name: self.value(properties.get(name, rest), depth + 1) for name in dict.fromkeys(wanted)}

    def _array(self, schema: Any, depth: int) -> list[Any]:
        count = min(max(1 if depth < 4 else 0, schema.get("minItems", 0)), schema.get("maxItems", 100))
        items = [self.value(schema.get("items", {}), depth + 1) for _ in range(count)]
        return [_unlike(item, place) for place, item in enumerate(items)] if schema.get("uniqueItems") and count > 1 else items

    def _text(self, schema: Any) -> str:
        if schema.get("contentEncoding") == "base64":
            return "eA=="
        least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
        if pattern := schema.get("pattern"):
            return _matching(pattern, least, most)
        text = _FORMATS.get(schema.get("format", ""), "x1")
        return text[:most] if len(text) > most else text.ljust(least, "x")


def _merged(parts: list[Any]) -> Any:
    objects = [part for part in parts if isinstance(part, dict)]
    if objects and len(objects) == len(parts):
        return {name: one for part in objects for name, one in part.items()}
    return parts[-1] if parts else "x"


def _unlike(item: Any, place: int) -> Any:
    return f"{item}{place}" if isinstance(item, str) else item + place if isinstance(item, int) else item


def _number(schema: Any, kind: str) -> float:
    step = schema.get("multipleOf", 1)
    low = max(schema.get("minimum", -1e18), schema.get("exclusiveMinimum", -1e18))
    high = min(schema.get("maximum", 1e18), schema.get("exclusiveMaximum", 1e18))
    number = low if low > 1 or (high < 1 and low > -1e18) else min(1, high)
    if number in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")):
        number += step if number == schema.get("exclusiveMinimum") else -step
    number = -(-number // step) * step if "multipleOf" in schema else number
    return int(-(-number // 1)) if kind == "integer" else number


@cache
def _matching(pattern: str, least: int, most: int) -> str:
    for known in ("x1", "1", "a", "A", "AB", "abc", "12345", *_FORMATS.values()):
        padded = known.ljust(least, known[-1])
        if len(padded) <= most and _finds(pattern, padded):
            return padded
    letters = strategies.characters(min_codepoint=33, max_codepoint=126)
    try:
        found = strategies.from_regex(pattern, alphabet=letters).filter(lambda text: least <= len(text) <= most)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NonInteractiveExampleWarning)
            return str(found.example())
    except (HypothesisException, re.error, ValueError):
        return "x1"


def _finds(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text, re.ASCII) is not None
    except re.error:
        return False
