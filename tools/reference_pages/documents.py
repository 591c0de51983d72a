"""`document.md` and `node-kinds.md`: from the schema that editors get, and from the kinds themselves."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any, Final

from tools.reference_pages.markdown import Schema, code, default_of, page, table, type_of
from tools.reference_pages.words import CHANNEL, DOCUMENT, EDGE, KINDS, LIMITS, NODE, words_for

_VALUES: Final = """\
Values hold literals or `${...}` expressions ([CEL](https://cel.dev)) over `state`, `input`, `output`, `error`, `run`; `when`
alone is a bare expression. Values of nodes may also [recall](../memory.md#in-an-expression-recallkey) items. Prompts are Jinja2
templates over the same names."""

_ABOUT: Final = """\
JSON or YAML, at most 10 MiB. Editors that know JSON Schema take [graph.schema.json](graph.schema.json). What runs when is in [how
a graph runs](../how-a-graph-runs.md)."""


def document_page(schema: Schema, limits: object) -> str:
    """`limits`: with their defaults."""
    parts = schema["$defs"]
    return page(
        "The graph document",
        _ABOUT,
        _keys("document", schema, DOCUMENT),
        _VALUES,
        "## Channels",
        "A channel is the JSON Schema of its value, with these keys beside:",
        _keys("channel", parts["channel"], CHANNEL),
        "## Edges",
        _edges(parts["edge"]["oneOf"]),
        "## Limits",
        _limits(parts["limits"], limits),
    )


def _keys(place: str, schema: Schema, words: Mapping[str, str]) -> str:
    words_for(place, schema["properties"], words)
    required = schema.get("required", ())
    rows = [(code(name), _kind_of(inner), "yes" if name in required else "", words[name]) for name, inner in schema["properties"].items()]
    return table(("key", "type", "required", "what it is"), rows)


def _kind_of(schema: Schema | bool) -> str:
    """Keys that hold whole parts of a document are told of by their words."""
    text = type_of(schema)
    return text if text != "channel" else "object"


def _edges(forms: list[dict[str, Any]]) -> str:
    words_for("edge", {name for form in forms for name in form["properties"]}, EDGE)
    shapes = [
        "`{" + ", ".join(_marked(name, form) for name in form["properties"] if name not in ("id", "edge_type")) + "}`" for form in forms
    ]
    listed = table(("key", "what it is"), [(code(name), words) for name, words in EDGE.items()])
    return "One of\n\n" + "\n".join(f"- {shape}" for shape in shapes) + "\n\n" + listed


def _marked(name: str, form: Schema) -> str:
    return name if name in form["required"] else f"{name}?"


def _limits(schema: Schema, defaults: object) -> str:
    words_for("limits", schema["properties"], LIMITS)
    rows = [(code(name), type_of(schema["properties"][name]), _default(getattr(defaults, name)), words) for name, words in LIMITS.items()]
    return table(("key", "type", "default", "of what"), rows)


def _default(value: float | None) -> str:
    return "none" if value is None else f"{value:,g}" if value < 1_000_000 else str(value)


def kinds_page(schema: Schema, kinds: Mapping[str, Any]) -> str:
    words_for("node kinds", kinds, KINDS)
    common = schema["$defs"]["kind_transform"]
    return page(
        "Node kinds",
        "Every node has",
        _keys("node", {**common, "required": ["kind"]}, NODE),
        "Kinds of your own join these by the entry points `weft.nodes`: see [extending](../extending.md).",
        *(_kind(name, kind, schema["$defs"][f"kind_{name}"]) for name, kind in sorted(kinds.items())),
    )


def _kind(name: str, kind: Any, schema: Schema) -> str:
    about = (inspect.getdoc(sys.modules[type(kind).__module__]) or "").removeprefix(f"`{name}`: ")
    own = dict(kind.schema.get("properties", {}))
    words_for(f"kind {name}", own, KINDS[name])
    required = schema.get("required", ())
    rows = [
        (code(key), type_of(inner), "yes" if key in required else "", default_of(inner), KINDS[name][key]) for key, inner in own.items()
    ]
    keys = table(("key", "type", "required", "default", "what it is"), rows) if rows else ""
    return f"## {name}\n\n{about[:1].upper()}{about[1:]}\n\n{keys}"
