"""Whether a graph's own `permissions` let its nodes do what they are there for."""

from collections.abc import Iterator, Mapping

from domain.errors import Problem
from domain.granted import Grants, grants, named
from domain.graph.checks import step
from domain.graph.definition import Graph, Node
from domain.ids import NodeId
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


def agent_name(node: NodeId) -> str:
    """What the agent that begins is called: as its node is, in the letters that providers take."""
    return node.replace(".", "_")[:48]


def permissions_of_agent(graph: Graph, name: str) -> Grants | None:
    """The tools that agents of this name have, at any depth; None when there is none of that name."""
    lists = [_listed(agent) for one, agent in _agents(graph) if one == name]
    return tuple(dict.fromkeys(tool for tools in lists for _, tool in tools)) if lists else None


def _agents(graph: Graph) -> Iterator[tuple[str, JsonObject]]:
    for id, node in graph.nodes.items():
        if node.kind == "agent":
            yield agent_name(id), node.config
            yield from _others(node.config)
        if node.graph is not None:
            yield from _agents(node.graph)


def _tools_of(node: Node) -> Iterator[tuple[str, str]]:
    """Those that it calls, each with where that is said."""
    if node.kind == "tool" and isinstance(tool := node.config.get("tool"), str):
        yield "/tool", tool
    if node.kind == "agent":
        yield from _listed(node.config)
        for name, other in _others(node.config):
            yield from ((f"/handoffs/{step(name)}{below}", tool) for below, tool in _listed(other))


def _others(agent: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    others = agent.get("handoffs")
    for name, other in others.items() if isinstance(others, Mapping) else ():
        if isinstance(other, Mapping):
            yield name, other


def _listed(agent: JsonObject) -> Iterator[tuple[str, str]]:
    tools = agent.get("tools")
    for index, written in enumerate(tools if isinstance(tools, list | tuple) else ()):
        tool = written.get("tool") if isinstance(written, Mapping) else written
        if isinstance(tool, str):
            yield f"/tools/{index}", tool
