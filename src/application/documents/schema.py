"""The published JSON Schema of graph documents, for editors: what they offer and underline while somebody types.

It says what can be said of each part by itself. Whether the parts fit together (targets, channels, expressions) only validation knows.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from application.documents.bounds import MAX_FRAMES, MAX_PERMISSIONS
from application.documents.flow import LONGEST_SECONDS, MOST_AT_A_TIME
from application.documents.words import CHANNEL, NODE_ID, SEMANTIC_VERSION, TOOL_NAMES, WORKFLOW_NAME
from domain.graph.definition import EdgeType, Merge, OnStarved, Take
from domain.graph.flow import Priority
from domain.json import Json, JsonObject
from domain.ports.nodes import NodeKind

_TEXT: Final[JsonObject] = {"type": "string"}
_TEXTS: Final[JsonObject] = {"type": "array", "items": {"type": "string"}}
_OBJECT: Final[JsonObject] = {"type": "object"}
_COUNT: Final[JsonObject] = {"type": "integer", "minimum": 1}
_SECONDS: Final[JsonObject] = {"type": "number", "minimum": 0}
_ABOVE_ZERO: Final[JsonObject] = {"type": "number", "exclusiveMinimum": 0}
_TOOLS: Final[JsonObject] = {"type": "string", "pattern": f"^{TOOL_NAMES.pattern}$"}
_EXPRESSION: Final[JsonObject] = {"type": "string", "maxLength": 4096, "description": "CEL over state, input, output, error, run"}


def editor_schema(kinds: Mapping[str, NodeKind]) -> JsonObject:
    """Draft 2020-12; one branch per kind, made from the kind's own schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Weft graph document",
        **_object(
            {
                "weft": {"const": 1},
                "name": {"type": "string", "pattern": f"^{WORKFLOW_NAME.pattern}$", "not": {"const": "self"}},
                "version": {"type": "string", "pattern": f"^{SEMANTIC_VERSION.pattern}$", "maxLength": 128},
                "tags": _TEXTS,
                "limits": {"$ref": "#/$defs/limits"},
                "flow": {"$ref": "#/$defs/flow"},
                "permissions": {"type": "array", "items": _TOOLS, "maxItems": MAX_PERMISSIONS},
                **_body(),
            },
            ["weft", "name", "version", "nodes", "edges"],
        ),
        "$defs": {
            "graph": _object(_body(), ["nodes", "edges"]),
            "channel": _channel(),
            "edge": {"oneOf": list(_edges())},
            "join": {"oneOf": list(_joins())},
            "retry": _object(
                {"attempts": _COUNT, "first_seconds": _SECONDS, "factor": _ABOVE_ZERO, "max_seconds": _SECONDS, "codes": _TEXTS}
            ),
            "limits": _limits(),
            "flow": _flow(),
            "node": _node(kinds),
            **{f"kind_{name}": _kind(kind) for name, kind in sorted(kinds.items())},
        },
    }


def _object(properties: JsonObject, required: list[Json] | None = None) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": required or [], "additionalProperties": False}


def _choice(*values: str) -> JsonObject:
    return {"enum": list(values)}


def _body() -> dict[str, Json]:
    return {
        "description": _TEXT,
        "metadata": _OBJECT,
        "state": _named(CHANNEL.pattern, "#/$defs/channel"),
        "input": _OBJECT,
        "output": _OBJECT,
        "nodes": _named(NODE_ID.pattern, "#/$defs/node"),
        "edges": {"type": "array", "items": {"$ref": "#/$defs/edge"}},
    }


def _named(pattern: str, reference: str) -> JsonObject:
    return {"type": "object", "propertyNames": {"pattern": f"^{pattern}$"}, "additionalProperties": {"$ref": reference}}


def _channel() -> JsonObject:
    return {
        "type": "object",
        "description": "JSON Schema of the channel's value, and how updates meet it",
        "properties": {"merge": _choice(*Merge), "default": True, "on_conflict": {"const": "last"}},
    }


def _limits() -> JsonObject:
    counts = dict.fromkeys(("steps", "visits", "fan_out", "concurrency", "tokens"), _COUNT)
    depth = {**_COUNT, "maximum": MAX_FRAMES}
    return _object({**counts, "depth": depth, "seconds": _ABOVE_ZERO, "cost_usd": {"type": ["string", "number"]}})


def _flow() -> JsonObject:
    key: JsonObject = {"type": ["string", "number", "boolean", "null"], "description": "a value over `input`, as ${input.customer}"}
    limit: JsonObject = {**_COUNT, "maximum": MOST_AT_A_TIME}
    seconds: JsonObject = {**_ABOVE_ZERO, "maximum": LONGEST_SECONDS}
    return _object(
        {
            "concurrency": _object({"key": key, "limit": limit}, ["limit"]),
            "rate": _object({"key": key, "limit": limit, "seconds": seconds}, ["limit", "seconds"]),
            "singleton": _object({"key": key}),
            "debounce": _object({"key": key, "seconds": seconds}, ["seconds"]),
            "priority": _choice(*Priority),
        }
    )


def _edges() -> Iterator[JsonObject]:
    shared: dict[str, Json] = {"id": _TEXT, "from": _TEXT, "edge_type": _choice(*EdgeType)}
    rule = _object({"when": _EXPRESSION, "to": _TEXT}, ["when", "to"])
    plain: JsonObject = {"type": "string", "not": {"pattern": r"^\$\{"}}
    yield _object({**shared, "to": plain}, ["from", "to"])
    yield _object({**shared, "to": plain, "when": _EXPRESSION}, ["from", "to", "when"])
    routes: JsonObject = {"type": "array", "minItems": 1, "items": rule}
    yield _object({**shared, "route": routes, "otherwise": _TEXT, "take": _choice(*Take)}, ["from", "route"])
    yield _object({**shared, "to": _EXPRESSION, "targets": {**_TEXTS, "minItems": 1}}, ["from", "to", "targets"])
    yield _object({**shared, "to": plain, "on_error": {"oneOf": [{"const": True}, {**_TEXTS, "minItems": 1}]}}, ["from", "to", "on_error"])


def _joins() -> Iterator[JsonObject]:
    starved = _choice(*OnStarved)
    yield _choice("all", "any")
    yield _object({"count": _COUNT, "cancel_rest": {"type": "boolean"}, "on_starved": starved}, ["count"])
    yield _object({"from": {**_TEXTS, "minItems": 1, "uniqueItems": True}, "on_starved": starved}, ["from"])


def _node(kinds: Mapping[str, NodeKind]) -> JsonObject:
    return {
        "type": "object",
        "properties": {"kind": _choice(*sorted(kinds))},
        "required": ["kind"],
        "allOf": [{"if": {"properties": {"kind": {"const": name}}}, "then": {"$ref": f"#/$defs/kind_{name}"}} for name in sorted(kinds)],
    }


def _common() -> dict[str, Json]:
    return {
        "kind": _TEXT,
        "writes": {"type": "object", "description": "channel -> value, over output, state, input"},
        "join": {"$ref": "#/$defs/join"},
        "retry": {"$ref": "#/$defs/retry"},
        "timeout_seconds": _ABOVE_ZERO,
        "concurrency": _COUNT,
        "description": _TEXT,
        "compensate": {"type": "string", "description": "the node that undoes this one when its frame fails or the run is cancelled"},
        "position": _object({"x": {"type": "number"}, "y": {"type": "number"}}, ["x", "y"]),
    }


def _kind(kind: NodeKind) -> JsonObject:
    """The kind's schema with the keys that every node has added to its own."""
    own = _moved(kind.schema, f"#/$defs/kind_{kind.name}")
    properties = own.get("properties")
    inner: JsonObject = {"graph": {"$ref": "#/$defs/graph"}} if kind.name == "map" else {}
    return {**own, "properties": {**_common(), **(properties if isinstance(properties, Mapping) else {}), **inner}}


def _moved(schema: JsonObject, to: str) -> dict[str, Json]:
    """A schema that stands at `to` instead of at the root: its references to itself (`#/$defs/X`) begin there."""
    moved = {key: _moved_value(value, to) for key, value in schema.items()}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = to + reference.removeprefix("#")
    return moved


def _moved_value(value: Json, to: str) -> Json:
    if isinstance(value, Mapping):
        return _moved(value, to)
    if isinstance(value, list | tuple):
        return [_moved_value(inner, to) for inner in value]
    return value
