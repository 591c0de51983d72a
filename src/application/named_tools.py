"""Whether a workflow calls tools at all, and whether those are what they were."""

from collections.abc import Mapping
from typing import Final

from domain.errors import ToolNotFound
from domain.json import Json
from domain.ports.tools import Tools
from domain.tool import Taken

_KEYS: Final = frozenset({"tool", "tools", "handoffs"})


def names_tools(document: Json) -> bool:
    """Does a node of a workflow's document name a tool, at any depth? Every kind that calls some says so by one of three keys."""
    nodes = document.get("nodes") if isinstance(document, Mapping) else None
    found = nodes.values() if isinstance(nodes, Mapping) else ()
    return any(isinstance(node, Mapping) and (not _KEYS.isdisjoint(node) or names_tools(node.get("graph"))) for node in found)


def have_changed(taken: Mapping[str, Taken], tools: Tools) -> bool:
    """Does one of them do something else to the world by now, or has it got a price? One that is gone does nothing."""
    for name, known in taken.items():
        try:
            if tools.get(name).taken != known:
                return True
        except ToolNotFound:
            continue
    return False
