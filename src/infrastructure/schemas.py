"""JSON Schema by jsonschema-rs: draft 2020-12, nothing fetched, patterns bounded."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import orjson
from jsonschema_rs import Draft202012Validator, FancyRegexOptions
from jsonschema_rs import ValidationError as Violation

from domain.errors import ExpressionError, Problem, ValidationError
from domain.json import Json
from domain.ports.schemas import Schema
from infrastructure.json_bounds import weigh

BACKTRACK_LIMIT: Final = 10_000
PATTERN_BYTES: Final = 1_000_000
MAX_PROBLEMS: Final = 100
MAX_CHECKS: Final = 100_000
"""How many subschemas one value may meet once references are followed: twenty that each name the next one twice would be a million."""
LARGE: Final = 4 * 1024
"""Bytes of a schema's text: compiled it takes sixteen times as much, and a thousand tools of an imported document half a gigabyte."""
_SHOWN: Final = 300
_APART: Final = ("$defs", "definitions")


def pointer_to(path: Sequence[str | int]) -> str:
    """JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    validator: Draft202012Validator

    def accepts(self, value: Json) -> bool:
        try:
            return self.validator.is_valid(value)
        except (ValueError, OverflowError, RecursionError):
            return False

    def problems(self, value: Json) -> Sequence[Problem]:
        try:
            return tuple(self._violations(value))
        except (ValueError, OverflowError, RecursionError) as error:
            return (Problem("", "not_json", f"the value is not plain JSON: {error}"),)

    def _violations(self, value: Json) -> Iterator[Problem]:
        for _, violation in zip(range(MAX_PROBLEMS), self.validator.iter_errors(value), strict=False):
            message = _message(violation)
            shown = message if len(message) <= _SHOWN else message[:_SHOWN] + "..."
            yield Problem(pointer_to(violation.instance_path), f"schema_{violation.kind.name}", shown)


def _message(violation: Violation) -> str:
    """Of alternatives none of which fits, what is wrong with each; that it may not be null helps nobody."""
    branches = getattr(violation.kind, "context", None) or ()
    reasons = [branch[0].message for branch in branches if branch]
    told = [reason for reason in reasons if not reason.endswith('"null"')] or reasons
    return "; and ".join(dict.fromkeys(told)) or violation.message


def _refused(reason: str, pointer: str = "") -> ValidationError:
    message = f"this is no usable JSON Schema: {reason}"
    return ValidationError(message, [Problem(pointer, "invalid_schema", message)])


def _canonical(schema: Json) -> bytes:
    """The same for the same schema, however it is ordered. `TypeError` and `ValueError` for what is no JSON."""
    try:
        text = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, or what is refused with a reason
        weigh(schema)
    else:
        if text.count(b"null") == text.count(b'"null"'):  # else one may have been NaN
            return text
    return json.dumps(schema, sort_keys=True, allow_nan=False).encode()


def _compiled(canonical: bytes) -> Schema:
    schema = json.loads(canonical)
    weigh(schema)
    _refuse_explosion(schema)
    options = FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT, size_limit=PATTERN_BYTES)
    try:
        return CompiledSchema(Draft202012Validator(schema, offline=True, pattern_options=options))
    except Violation as error:
        raise _refused(error.message[:_SHOWN], pointer_to(error.instance_path)) from None
    except (ValueError, RecursionError) as error:
        raise _refused(str(error)[:_SHOWN]) from None


_small = lru_cache(maxsize=1024)(_compiled)
_large = lru_cache(maxsize=64)(_compiled)


def _refuse_explosion(schema: Json) -> None:
    """References that fan out are counted as if they were written out; one that leads back to itself counts once."""
    if _checks(schema, schema, {}) > MAX_CHECKS:
        raise _refused(f"followed through its references it has more than {MAX_CHECKS:,} parts")


def _checks(part: Json, whole: Json, known: dict[str, int]) -> int:
    total, left = 0, [part]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            reference = one.get("$ref")
            total += 1 + (_followed(reference, whole, known) if isinstance(reference, str) else 0)
            left += [below for name, below in one.items() if name not in _APART]
    return total


def _followed(reference: str, whole: Json, known: dict[str, int]) -> int:
    if reference not in known:
        known[reference] = 1
        known[reference] = _checks(_target(reference, whole), whole, known)
    return known[reference]


def _target(reference: str, whole: Json) -> Json:
    """What a local pointer leads to; None for any other reference, which the library judges."""
    found = whole
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found if reference.startswith("#") else None


@dataclass(frozen=True, slots=True)
class JsonSchemas:
    """Compiled once per schema and kept."""

    def compile(self, schema: Json) -> Schema:
        try:
            canonical = _canonical(schema)
            return (_small if len(canonical) <= LARGE else _large)(canonical)
        except (ExpressionError, TypeError) as error:
            raise _refused(str(error)) from None
        except ValueError as error:
            raise error if isinstance(error, ValidationError) else _refused(str(error)) from None
