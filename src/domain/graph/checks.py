"""What a graph must not be, seen without searching it: one small check per rule."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from domain.errors import Problem
from domain.graph.definition import END, START, Channel, Edge, EdgeType, Graph, JoinKind, Merge
from domain.ids import NodeId
from domain.json import Json

Check = Callable[[Graph], Iterator[Problem]]

_TYPES_OF_MERGE: Final = {
    Merge.APPEND: frozenset({"array"}),
    Merge.UNION: frozenset({"array"}),
    Merge.MESSAGES: frozenset({"array"}),
    Merge.MERGE: frozenset({"object"}),
    Merge.ADD: frozenset({"number", "integer"}),
    Merge.MAX: frozenset({"number", "integer", "string"}),
    Merge.MIN: frozenset({"number", "integer", "string"}),
}
_GIVEN_NAME: Final = re.compile(r"""(?:^\$\{|[?:\[,])\s*(?:'([^']*)'|"([^"]*)")\s*(?=[:\],}]|$)""")
"""A text that an expression gives as its answer, not one that it compares with."""


def step(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def reserved_ids(graph: Graph) -> Iterator[Problem]:
    for name in (START, END):
        if name in graph.nodes:
            yield Problem(f"/nodes/{name}", "reserved_id", f"`{name}` is a reserved name; call the node something else")


def duplicate_edges(graph: Graph) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, edge in enumerate(graph.edges):
        if first.setdefault(edge.id, number) != number:
            yield Problem(f"/edges/{number}/id", "duplicate_id", f"edge {first[edge.id]} already has the id `{edge.id}`")


def dangling_edges(graph: Graph) -> Iterator[Problem]:
    for number, edge in enumerate(graph.edges):
        if edge.source != START and edge.source != END and edge.source not in graph.nodes:
            yield _dangling(f"/edges/{number}/from", edge.source)
        for place, target in places(edge):
            if target not in (START, END) and target not in graph.nodes:
                yield _dangling(f"/edges/{number}/{place}", target)


def _dangling(pointer: str, name: NodeId) -> Problem:
    return Problem(pointer, "dangling_edge", f"there is no node `{name}`")


def places(edge: Edge) -> Iterator[tuple[str, NodeId]]:
    """Where in an edge each of its targets is written."""
    if edge.target is not None:
        yield "to", edge.target
    for number, route in enumerate(edge.routes):
        yield f"route/{number}/to", route.target
    if edge.otherwise is not None:
        yield "otherwise", edge.otherwise
    for number, target in enumerate(edge.targets):
        yield f"targets/{number}", target


def reserved_ends(graph: Graph) -> Iterator[Problem]:
    for number, edge in enumerate(graph.edges):
        if edge.source == END:
            yield Problem(f"/edges/{number}/from", "reserved_edge", "nothing leads out of `end`")
        if edge.source == START and edge.on_error is not None:
            yield Problem(f"/edges/{number}/on_error", "reserved_edge", "`start` cannot fail, so no `on_error` edge leads out of it")
        for place, target in places(edge):
            if target == START:
                yield Problem(f"/edges/{number}/{place}", "reserved_edge", "nothing leads into `start`; name the first node instead")


def edge_types(graph: Graph) -> Iterator[Problem]:
    for number, edge in enumerate(graph.edges):
        found = _wrong_with_type(edge)
        if found is not None:
            place, code, message = found
            yield Problem(f"/edges/{number}{place}", code, message)


def _wrong_with_type(edge: Edge) -> tuple[str, str, str] | None:
    routed = edge.choose is not None or bool(edge.routes)
    match edge.edge_type:
        case EdgeType.SIMPLE if edge.condition is not None:
            return "/when", "condition_unexpected", "a simple edge has no condition; make it conditional or leave `when` out"
        case EdgeType.CONDITIONAL if edge.condition is None:
            return "", "condition_missing", "a conditional edge needs `when`"
        case EdgeType.FLEXIBLE_CONDITIONAL if not routed:
            return "", "route_missing", "a flexible_conditional edge needs a `route` with at least one rule, or `to: ${...}` with `targets`"
        case EdgeType.SIMPLE | EdgeType.CONDITIONAL if routed:
            return "/edge_type", "edge_type_mismatch", f"this edge is a flexible_conditional, not {edge.edge_type.value}"
        case _:
            return None


def unlisted_targets(graph: Graph) -> Iterator[Problem]:
    for number, edge in enumerate(graph.edges):
        if edge.choose is None:
            continue
        if not edge.targets:
            yield Problem(f"/edges/{number}", "targets_missing", "an edge whose target is an expression lists its `targets`")
        given = {one or other for one, other in _GIVEN_NAME.findall(edge.choose)}
        for name in sorted(given - set(edge.targets)):
            if name in graph.nodes or name == END:
                yield Problem(
                    f"/edges/{number}/to", "unlisted_target", f"the expression can name `{name}`, which is not one of its `targets`"
                )


def joins(graph: Graph) -> Iterator[Problem]:
    named = {name: node.join for name, node in graph.nodes.items() if node.join is not None and node.join.kind is JoinKind.FROM}
    sources: dict[NodeId, set[NodeId]] = {name: set() for name in named}
    for number, edge in enumerate(graph.edges):
        for place, target in places(edge):
            join = named.get(target)
            if join is None:
                continue
            sources[target].add(edge.source)
            if edge.source not in join.sources:
                message = f"`{target}` joins from {', '.join(join.sources)}; `{edge.source}` is not one of them"
                yield Problem(f"/edges/{number}/{place}", "join_source", message)
    for name, join in named.items():
        for number, source in enumerate(join.sources):
            if source not in sources[name]:
                yield Problem(f"/nodes/{step(name)}/join/from/{number}", "join_source", f"no edge leads from `{source}` to `{name}`")


def writes(graph: Graph) -> Iterator[Problem]:
    for name, node in graph.nodes.items():
        for channel in node.writes:
            if channel not in graph.channels:
                pointer = f"/nodes/{step(name)}/writes/{step(channel)}"
                yield Problem(pointer, "unknown_channel", f"there is no channel `{channel}`; {known_channels(graph)}")


def known_channels(graph: Graph) -> str:
    names = sorted(graph.channels)
    return f"the channels are {', '.join(names[:20])}" if names else "`state` declares none"


def channels(graph: Graph) -> Iterator[Problem]:
    for name, channel in graph.channels.items():
        allowed = _TYPES_OF_MERGE.get(channel.merge)
        if allowed is None:
            continue
        at, wanted = f"/state/{step(name)}", " or ".join(sorted(allowed))
        declared = _declared_types(channel)
        if declared and not declared & allowed:
            yield Problem(f"{at}/merge", "merge_type", f"`merge: {channel.merge.value}` wants a channel of type {wanted}")
        elif channel.has_default and channel.default is not None and type_of(channel.default) not in allowed:
            yield Problem(f"{at}/default", "default_type", f"the default of a channel with `merge: {channel.merge.value}` must be {wanted}")


def _declared_types(channel: Channel) -> frozenset[str]:
    written = channel.schema.get("type")
    if isinstance(written, str):
        return frozenset({written})
    return frozenset(str(name) for name in written) if isinstance(written, list) else frozenset()


def type_of(value: Json) -> str:
    """The JSON Schema type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"


def compensations(graph: Graph) -> Iterator[Problem]:
    """What undoes a node stands beside the graph: it runs by itself, after a failure, and nothing leads to it or from it."""
    for name, node in graph.nodes.items():
        undo = node.compensate
        if undo is None:
            continue
        at = f"/nodes/{step(name)}/compensate"
        if undo not in graph.nodes:
            yield Problem(at, "unknown_node", f"there is no node `{undo}`")
        elif undo == name or graph.nodes[undo].compensate is not None:
            yield Problem(at, "compensation_undone", f"`{undo}` undoes `{name}`, and is not undone itself")
        elif graph.nodes[undo].kind == "terminate":
            yield Problem(at, "compensation_kind", f"`{undo}` is a `terminate`, which undoes nothing")
    for number, edge in enumerate(graph.edges):
        for end in undoing(graph) & {edge.source, *edge.reaches()}:
            sentence = f"`{end}` undoes another node and runs by itself: no edge leads to it or from it"
            yield Problem(f"/edges/{number}", "compensation_edge", sentence)


_UNTIMED: Final = {
    "map": "give the nodes inside it a `timeout_seconds`, or the run a `limits.seconds`",
    "workflow": "give the nodes of the workflow a `timeout_seconds`, or the run a `limits.seconds`",
    "wait": "let it wait for the `first` of several, one of them `seconds`",
}
"""Kinds whose time is spent outside an attempt, and what to do instead."""


def timeouts(graph: Graph) -> Iterator[Problem]:
    for name, node in graph.nodes.items():
        if node.timeout_seconds is not None and node.kind in _UNTIMED:
            sentence = f"`timeout_seconds` bounds an attempt, and a `{node.kind}` is none: {_UNTIMED[node.kind]}"
            yield Problem(f"/nodes/{step(name)}/timeout_seconds", "timeout_unsupported", sentence)


def undoing(graph: Graph) -> frozenset[NodeId]:
    """The nodes that undo others."""
    return frozenset(node.compensate for node in graph.nodes.values() if node.compensate is not None)


CHECKS: Final[tuple[Check, ...]] = (
    reserved_ids,
    duplicate_edges,
    dangling_edges,
    reserved_ends,
    edge_types,
    unlisted_targets,
    joins,
    writes,
    channels,
    compensations,
    timeouts,
)
