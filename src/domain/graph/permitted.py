"""Whether a graph's own `permissions` let its nodes do what they are there for."""

from collections.abc import Iterator, Mapping

from domain.errors import Problem
from domain.granted import Grants, grants, named
from domain.graph.checks import step
from domain.graph.definition import Graph, Node
from domain.json import JsonObject


def permitted(graph: Graph) -> Iterator[Problem]:
    """A call that could never be made is a mistake, at any depth."""
    if graph.permissions is not None:
        yield from _not_permitted(graph, graph.permissions, "")


def _not_permitted(graph: Graph, permissions: Grants, at: str) -> Iterator[Problem]:
    for name, node in graph.nodes.items():
        pointer = f"{at}/nodes/{step(name)}"
        for below, tool in _tools_of(node):
            if not grants(permissions, tool):
                message = f"`permissions` names {named(permissions)}, and not `{tool}`: add it, or its runs cannot call it"
                yield Problem(f"{pointer}{below}", "not_permitted", message)
        if node.graph is not None:
            yield from _not_permitted(node.graph, permissions, f"{pointer}/graph")


def _tools_of(node: Node) -> Iterator[tuple[str, str]]:
    """Those that it calls, each with where that is said."""
    if node.kind == "tool" and isinstance(tool := node.config.get("tool"), str):
        yield "/tool", tool
    if node.kind == "agent":
        yield from _tools_of_agent(node.config, "")


def _tools_of_agent(agent: JsonObject, at: str) -> Iterator[tuple[str, str]]:
    tools, others = agent.get("tools"), agent.get("handoffs")
    for index, written in enumerate(tools if isinstance(tools, list | tuple) else ()):
        tool = written.get("tool") if isinstance(written, Mapping) else written
        if isinstance(tool, str):
            yield f"{at}/tools/{index}", tool
    for name, other in others.items() if isinstance(others, Mapping) else ():
        if isinstance(other, Mapping):
            yield from _tools_of_agent(other, f"{at}/handoffs/{step(name)}")
