"""The name of a graph's content."""

import hashlib
from collections.abc import Mapping
from typing import Any

from domain.errors import ValidationError
from domain.ids import ContentHash
from domain.json import Json, JsonObject


def content_hash(document: JsonObject) -> ContentHash:
    """SHA-256 of the RFC 8785 form of a graph document, whatever the order of its keys and wherever its nodes are drawn.

    `ValidationError` for what has no such form (a whole number beyond 2^53, NaN, half a surrogate pair).
    """
    import rfc8785

    try:
        return ContentHash(hashlib.sha256(rfc8785.dumps(_plain(_without_positions(document)))).hexdigest())
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValidationError(f"the document has no canonical form: {error}") from error


def _without_positions(graph: JsonObject) -> JsonObject:
    """The graph, and the graphs inside its nodes, without the nodes' `position`; a channel or argument of that name stays."""
    nodes = graph.get("nodes")
    if not isinstance(nodes, Mapping):
        return graph
    return {**graph, "nodes": {name: _node(node) for name, node in nodes.items()}}


def _node(node: Json) -> Json:
    if not isinstance(node, Mapping):
        return node
    bare = {key: value for key, value in node.items() if key != "position"}
    inner = bare.get("graph")
    return {**bare, "graph": _without_positions(inner)} if isinstance(inner, Mapping) else bare


def _plain(value: Json) -> Any:
    """The library takes dicts and lists, not whatever behaves like them."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float) else None
