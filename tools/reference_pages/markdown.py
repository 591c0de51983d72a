"""Tables and JSON Schemas as text of a page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
MADE = "<!-- Made from the code by `make docs`; do not edit. -->\n"


class NoWords(Exception):
    """Something in the code has no sentence in the reference yet; the message says what, and where to write it."""


def page(title: str, *parts: str) -> str:
    return "\n".join([f"# {title}", "", MADE, *(part.rstrip("\n") + "\n" for part in parts)])


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines) + "\n"


def code(value: str) -> str:
    return f"`{value}`" if value else ""


def json_code(value: Any) -> str:
    return code(json.dumps(value, ensure_ascii=False))


def type_of(schema: Schema | bool) -> str:
    """What a schema allows, in a few words."""
    if isinstance(schema, bool) or not schema:
        return "any"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return json_code(schema["const"])
    if "enum" in schema:
        return ", ".join(json_code(value) for value in schema["enum"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            names = [type_of(choice) for choice in schema[word] if choice.get("type") != "null"]
            return " or ".join(dict.fromkeys(names))
    return _plain(schema)


def _plain(schema: Schema) -> str:
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        kind = " or ".join(name for name in kind if name != "null")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if kind == "object" and isinstance(values := schema.get("additionalProperties"), Mapping) and values:
        return f"object of {type_of(values)}"
    return " ".join([kind, *_bounds(schema)])


def _bounds(schema: Schema) -> list[str]:
    words = {
        "minimum": "≥ {}",
        "exclusiveMinimum": "> {}",
        "maximum": "≤ {}",
        "maxLength": "(at most {} characters)",
        "maxItems": "(at most {})",
    }
    return [text.format(schema[name]) for name, text in words.items() if name in schema]


def default_of(schema: Schema) -> str:
    """Nothing where the default is to be absent."""
    value = schema.get("default")
    return "" if value in (None, "", [], {}, ()) and not isinstance(value, bool) else json_code(value)


def members(schema: Schema, resolve: Mapping[str, Schema] | None = None) -> str:
    """A table of an object's members, those of a model that it refers to in `resolve`."""
    found = (resolve or {}).get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    required = found.get("required", ())
    rows = [
        (code(name), type_of(inner), "yes" if name in required else "", default_of(inner), str(inner.get("description", "")))
        for name, inner in found.get("properties", {}).items()
    ]
    return table(("member", "type", "required", "default", ""), rows)
