"""Whether a workflow calls tools at all."""

from collections.abc import Mapping

from domain.json import Json


def names_tools(document: Json) -> bool:
    """Does a node of a workflow's document name a tool, at any depth? Every kind that calls some says so by `tool` or `tools`."""
    nodes = document.get("nodes") if isinstance(document, Mapping) else None
    found = nodes.values() if isinstance(nodes, Mapping) else ()
    return any(isinstance(node, Mapping) and ("tool" in node or "tools" in node or names_tools(node.get("graph"))) for node in found)
