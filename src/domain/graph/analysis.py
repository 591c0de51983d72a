"""Everything that can be said about a graph without running it: what makes it invalid, and what will surprise its author.

Kinds, expressions and schemas are not known here; what needs them is checked by the application.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from domain.errors import Problem, ValidationError
from domain.graph.captured import captured
from domain.graph.checks import CHECKS, places, step, undoing
from domain.graph.compiled import CompiledGraph, compile_graph
from domain.graph.definition import END, START, Edge, Graph, Join, JoinKind, Node
from domain.graph.hazards import counts_out_of_reach, fed_from_loops, is_reached, second_entries
from domain.graph.permitted import permitted
from domain.graph.races import parallel_replaces
from domain.ids import NodeId

HAZARDS: Final = (second_entries, fed_from_loops, counts_out_of_reach, parallel_replaces)
NO_JOINS: Final[Mapping[str, Join]] = {}


@dataclass(frozen=True, slots=True)
class Analysis:
    """A graph with `problems` is refused; `warnings` are shown."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def analyse(graph: Graph, joins: Mapping[str, Join] = NO_JOINS, at: str = "") -> Analysis:
    """Look at a graph and the graphs inside it. `joins`: how the nodes of a kind join that do not say so. Pointers begin with `at`.

    Never raises: what is broken is left out of the searches, so one problem does not hide another.
    """
    problems = [problem for check in (*CHECKS, permitted, captured) for problem in check(graph)]
    warnings = list(_routes_without_otherwise(graph))
    try:
        compiled = compile_graph(_sound(graph, joins))
    except ValidationError as error:
        problems += error.problems
    else:
        problems += _searched(compiled)
        warnings += (found for look in HAZARDS for found in look(compiled))
    inner = [analyse(node.graph, joins, f"/nodes/{step(name)}/graph") for name, node in graph.nodes.items() if node.graph is not None]
    return Analysis(
        tuple(_below(at, [*problems, *(found for one in inner for found in one.problems)])),
        tuple(_below(at, [*warnings, *(found for one in inner for found in one.warnings)])),
    )


def _below(at: str, problems: list[Problem]) -> Iterator[Problem]:
    return (replace(problem, pointer=at + problem.pointer) for problem in problems)


def _sound(graph: Graph, joins: Mapping[str, Join]) -> Graph:
    """The graph without what does not hold together, and every node knowing how it joins.

    Without inner graphs: they are looked at by themselves.
    """
    nodes = {name: _resolved(node, joins) for name, node in graph.nodes.items() if name not in (START, END)}
    known = frozenset(nodes)
    return replace(graph, nodes=nodes, edges=tuple(_mended(edge, known) for edge in graph.edges if edge.source != END))


def _resolved(node: Node, joins: Mapping[str, Join]) -> Node:
    return replace(node, join=node.join or joins.get(node.kind), graph=None)


def _mended(edge: Edge, known: frozenset[NodeId]) -> Edge:
    """The edge with the targets that exist; from `start` when its source does not, so that what follows is not called unreachable too."""
    if (edge.source == START or edge.source in known) and all(target in known or target == END for _, target in places(edge)):
        return edge
    there = known | {END}
    return replace(
        edge,
        source=edge.source if edge.source in known else START,
        target=edge.target if edge.target in there else None,
        routes=tuple(route for route in edge.routes if route.target in there),
        otherwise=edge.otherwise if edge.otherwise in there else None,
        targets=tuple(target for target in edge.targets if target in there),
    )


def _searched(compiled: CompiledGraph) -> Iterator[Problem]:
    if not compiled.edges_of[-1]:
        yield Problem("/edges", "no_start", "no edge leads out of `start`, so nothing would run")
        return
    beside = undoing(compiled.graph)
    for number, node in enumerate(compiled.nodes):
        pointer = f"/nodes/{step(node.id)}"
        if not is_reached(compiled, number) and node.id not in beside:
            yield Problem(pointer, "unreachable", f"no path leads from `start` to `{node.id}`")
        if number in compiled.loops and compiled.joins[number].kind is JoinKind.COUNT:
            message = f"`{node.id}` is the head of a loop and cannot join by `count`; let another node count"
            yield Problem(f"{pointer}/join/count", "count_head", message)


def _routes_without_otherwise(graph: Graph) -> Iterator[Problem]:
    for number, edge in enumerate(graph.edges):
        if edge.routes and edge.otherwise is None:
            message = "when no rule of this route holds, the node fails with `no_route`; add `otherwise`"
            yield Problem(f"/edges/{number}", "route_without_otherwise", message)
