"""The words of JSON Schema 2020-12, and which values they may have. What is no word of it, or no value for one, is not taken over:
documents in the world hold much that no schema may."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from domain.json import Json

ONE_SCHEMA: Final = frozenset(
    {"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties"}
)
LISTS_OF_SCHEMAS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED_SCHEMAS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
SPELLINGS: Final = {
    "file": "string", "str": "string", "date": "string", "datetime": "string", "date-time": "string", "uuid": "string", "binary": "string",
    "int": "integer", "int32": "integer", "int64": "integer", "long": "integer", "short": "integer",
    "float": "number", "double": "number", "decimal": "number", "bool": "boolean", "list": "array", "map": "object", "dict": "object",
}  # fmt: skip
"""What is written for a type by those who did not look it up."""
LONGEST_TEXT: Final = 2_000
LONGEST_EXAMPLE: Final = 200
MOST_NESTED: Final = 16
_BIGGEST: Final = 2**63 - 1


def is_number(value: Json) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _BIGGEST)


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _BIGGEST


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_flag(value: Json) -> bool:
    return isinstance(value, bool)


def is_carried(value: Json, depth: int = 0) -> bool:
    """Can a schema hold it as a value? Whole numbers beyond 64 bits cannot be."""
    if isinstance(value, Mapping):
        return depth < MOST_NESTED and all(is_carried(inner, depth + 1) for inner in value.values())
    if isinstance(value, list):
        return depth < MOST_NESTED and all(is_carried(inner, depth + 1) for inner in value)
    return not isinstance(value, int) or isinstance(value, bool) or is_number(value)


def _is_choice(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and is_carried(value)


def _are_names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _are_dependencies(value: Json) -> bool:
    return isinstance(value, Mapping) and all(_are_names(names) for names in value.values())


PLAIN: Final[Mapping[str, Callable[[Json], bool]]] = {
    "multipleOf": lambda value: isinstance(value, int | float) and is_number(value) and value > 0,
    **dict.fromkeys(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"), is_number),
    **dict.fromkeys(
        ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties", "minContains", "maxContains"), _is_count
    ),
    **dict.fromkeys(("title", "description", "format", "contentEncoding", "contentMediaType"), _is_text),
    **dict.fromkeys(("uniqueItems", "deprecated"), _is_flag),
    **dict.fromkeys(("default", "const"), is_carried),
    "enum": _is_choice,
    "required": _are_names,
    "dependentRequired": _are_dependencies,
}


def is_short(example: Json) -> bool:
    return is_carried(example) and len(json.dumps(example)) <= LONGEST_EXAMPLE


def shortened(text: str, most: int = LONGEST_TEXT) -> str:
    """At the last space before, with dots where something is missing."""
    text = text.strip()
    return text if len(text) <= most else text[: most - 4].rsplit(None, 1)[0] + " ..."
