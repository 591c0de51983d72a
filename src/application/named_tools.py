"""Whether a workflow calls tools at all, and whether those are what they were."""

from collections.abc import Mapping

from domain.errors import ToolNotFound
from domain.json import Json
from domain.ports.tools import Tools
from domain.tool import Effects


def names_tools(document: Json) -> bool:
    """Does a node of a workflow's document name a tool, at any depth? Every kind that calls some says so by `tool` or `tools`."""
    nodes = document.get("nodes") if isinstance(document, Mapping) else None
    found = nodes.values() if isinstance(nodes, Mapping) else ()
    return any(isinstance(node, Mapping) and ("tool" in node or "tools" in node or names_tools(node.get("graph"))) for node in found)


def have_changed(taken: Mapping[str, Effects], tools: Tools) -> bool:
    """Does one of them do something else to the world by now? One that is gone does nothing."""
    for name, effects in taken.items():
        try:
            if tools.get(name).effects is not effects:
                return True
        except ToolNotFound:
            continue
    return False
