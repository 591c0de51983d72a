"""Graphs back as documents: nothing is written that reading would supply."""

from dataclasses import fields

from application.documents.flow import dump_flow
from domain.graph.definition import Channel, Edge, EdgeType, Graph, Join, JoinKind, Limits, Merge, Node, OnStarved, Point, RetryRule, Take
from domain.json import Json

Written = dict[str, Json]


def dump_graph(graph: Graph) -> Written:
    """`parse_graph` of what this gives is the graph again."""
    return {
        "weft": 1,
        "name": graph.name,
        "version": graph.version,
        **_about(graph),
        **_body(graph),
        **_present(flow=dump_flow(graph.flow)),
        **({} if graph.permissions is None else {"permissions": list(graph.permissions)}),
    }


def _about(graph: Graph) -> Written:
    return _present(description=graph.description, tags=list(graph.tags))


def _body(graph: Graph) -> Written:
    written = _present(state={name: _channel(channel) for name, channel in graph.channels.items()})
    if graph.input_schema is not None:
        written["input"] = graph.input_schema
    if graph.output is not None:
        written["output"] = graph.output
    written["nodes"] = {name: _node(node) for name, node in graph.nodes.items()}
    written["edges"] = [_edge(number, edge) for number, edge in enumerate(graph.edges)]
    return written | _present(limits=_limits(graph.limits), metadata=graph.metadata)


def _present(**members: Json) -> Written:
    """Those that are not empty."""
    return {name: value for name, value in members.items() if value}


def _channel(channel: Channel) -> Written:
    written = dict(channel.schema)
    if channel.merge is not Merge.REPLACE:
        written["merge"] = channel.merge.value
    if channel.has_default:
        written["default"] = channel.default
    if channel.last_wins:
        written["on_conflict"] = "last"
    return written


def _node(node: Node) -> Written:
    written: Written = {"kind": node.kind, **node.config, **_present(writes=node.writes, description=node.description)}
    if node.join is not None:
        written["join"] = _join(node.join)
    if node.retry != RetryRule():
        written["retry"] = _retry(node.retry)
    if node.timeout_seconds is not None:
        written["timeout_seconds"] = node.timeout_seconds
    if node.concurrency != 1:
        written["concurrency"] = node.concurrency
    if node.compensate is not None:
        written["compensate"] = node.compensate
    if node.position is not None:
        written["position"] = _point(node.position)
    return written


def _point(point: Point) -> Written:
    return {"x": point.x, "y": point.y}


def _join(join: Join) -> Json:
    if join.kind in (JoinKind.ALL, JoinKind.ANY):
        return join.kind.value
    written: Written = {"count": join.count} if join.kind is JoinKind.COUNT else {"from": list(join.sources)}
    starved = join.on_starved.value if join.on_starved is not OnStarved.FAIL else ""
    return written | _present(cancel_rest=join.cancel_rest, on_starved=starved)


def _retry(rule: RetryRule) -> Written:
    written: Written = {
        "attempts": rule.attempts,
        "first_seconds": rule.first_seconds,
        "factor": rule.factor,
        "max_seconds": rule.max_seconds,
    }
    return written | _present(codes=list(rule.codes))


def _edge(number: int, edge: Edge) -> Written:
    written: Written = {} if edge.id == f"e{number}" else {"id": edge.id}
    written["from"] = edge.source
    if edge.choose is not None:
        written |= {"to": edge.choose, "targets": list(edge.targets)}
    elif edge.target is not None:
        written["to"] = edge.target
    if edge.condition is not None:
        written["when"] = edge.condition
    if edge.edge_type is EdgeType.FLEXIBLE_CONDITIONAL and edge.choose is None:
        written |= _routes(edge)
    if edge.on_error is not None:
        written["on_error"] = list(edge.on_error) or True
    return written


def _routes(edge: Edge) -> Written:
    written: Written = {"route": [{"when": route.when, "to": route.target} for route in edge.routes]}
    take = edge.take.value if edge.take is not Take.FIRST else ""
    return written | _present(otherwise=edge.otherwise, take=take)


def _limits(limits: Limits) -> Written:
    usual = Limits()
    changed = {field.name: getattr(limits, field.name) for field in fields(limits)}
    found = {name: value for name, value in changed.items() if value != getattr(usual, name)}
    return {name: str(value) if name == "cost_usd" else value for name, value in found.items()}
