"""Whether a graph's own `permissions` let its nodes do what they are there for."""

from collections.abc import Iterator

from domain.errors import Problem
from domain.granted import Grants, grants, named
from domain.graph.checks import step
from domain.graph.definition import Graph


def permitted(graph: Graph) -> Iterator[Problem]:
    """A call that could never be made is a mistake, at any depth."""
    if graph.permissions is not None:
        yield from _not_permitted(graph, graph.permissions, "")


def _not_permitted(graph: Graph, permissions: Grants, at: str) -> Iterator[Problem]:
    for name, node in graph.nodes.items():
        pointer, tool = f"{at}/nodes/{step(name)}", node.config.get("tool")
        if node.kind == "tool" and isinstance(tool, str) and not grants(permissions, tool):
            message = f"`permissions` names {named(permissions)}, and not `{tool}`: add it, or its runs cannot call it"
            yield Problem(f"{pointer}/tool", "not_permitted", message)
        if node.graph is not None:
            yield from _not_permitted(node.graph, permissions, f"{pointer}/graph")
