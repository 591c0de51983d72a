"""Graphs as they are written."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from application.documents.bounds import MAX_EDGES, MAX_FRAMES, MAX_NODES, MAX_PERMISSIONS, unfit
from application.documents.edges import read_edges
from application.documents.flow import read_flow
from application.documents.nodes import read_node
from application.documents.reading import Part, kind_of
from application.documents.words import CHANNEL, INNER, LIMITS, SEMANTIC_VERSION, TOOL_NAMES, TOP, WORKFLOW_NAME
from domain.errors import Problem, ValidationError
from domain.graph.definition import Channel, Graph, Limits, Merge, Node
from domain.ids import NodeId
from domain.json import Json

_NO_LIMITS = Limits()


def parse_graph(document: Json) -> Graph:
    """The graph of a document. `ValidationError` with everything that is wrong with its structure; what it means is checked elsewhere."""
    graph, problems = read_graph(document)
    if problems:
        raise ValidationError(summary(problems), problems)
    return graph


def read_graph(document: Json) -> tuple[Graph, list[Problem]]:
    """As much of the graph as can be read, and all that is wrong with the rest."""
    problems = list(unfit(document))
    if problems:
        return Graph("", "", {}, ()), problems
    top = Part(document, "", problems)
    if not isinstance(document, dict):
        return Graph("", "", {}, ()), problems
    top.only(TOP)
    top.need("weft", "name", "version", "nodes", "edges")
    _check_head(top)
    graph = _graph(top)
    _check_size(graph, problems)
    return graph, problems


def summary(problems: list[Problem]) -> str:
    """One sentence for a list of problems."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"the document is not valid: {first.pointer or 'at the top'}: {first.message}{more}"


def _inner_graph(part: Part) -> Graph:
    part.only(INNER)
    part.need("nodes", "edges")
    return _graph(part)


def _graph(part: Part) -> Graph:
    return Graph(
        name=part.text("name"),
        version=part.text("version"),
        nodes=_nodes(part),
        edges=read_edges(part.parts("edges")),
        channels=_channels(part),
        input_schema=part.members("input") if part.has("input") else None,
        output=part.members("output") if part.has("output") else None,
        limits=_limits(part.part("limits")) if part.has("limits") else _NO_LIMITS,
        description=part.text("description"),
        tags=part.texts("tags"),
        metadata=part.members("metadata"),
        flow=read_flow(part.part("flow")) if part.has("flow") else None,
        permissions=_permissions(part) if part.has("permissions") else None,
    )


def _permissions(part: Part) -> tuple[str, ...]:
    found = part.texts("permissions")
    if len(found) > MAX_PERMISSIONS:
        part.note("permissions", "too_long", f"`permissions` may name {MAX_PERMISSIONS:,} tools, and this names {len(found):,}")
    for number, entry in enumerate(found):
        if TOOL_NAMES.fullmatch(entry) is None:
            wrong = f"{kind_of(entry)} is no name of a tool, and no beginning of names with `*` at its end"
            part.problems.append(Problem(f"{part.pointer}/permissions/{number}", "bad_name", wrong))
    return found


def _check_head(top: Part) -> None:
    if top.has("weft") and (top.fields["weft"] != 1 or isinstance(top.fields["weft"], bool)):
        top.note("weft", "unknown_format", f"`weft` is the version of the document format and must be 1, not {kind_of(top.fields['weft'])}")
    name, version = top.maybe_text("name"), top.maybe_text("version")
    if name is not None and (name == "self" or WORKFLOW_NAME.fullmatch(name) is None):
        top.note(
            "name", "bad_name", "a workflow's name is made of letters, digits, `_`, `-` and `.`, at most 128 of them, and is not `self`"
        )
    if version is not None and (len(version) > 128 or SEMANTIC_VERSION.fullmatch(version) is None):
        top.note("version", "bad_version", f"`version` must be a semantic version such as 1.2.0, not {kind_of(version)}")


def _check_size(graph: Graph, problems: list[Problem]) -> None:
    nodes, edges = _size(graph)
    if nodes > MAX_NODES:
        problems.append(Problem("/nodes", "too_many_nodes", f"a document may have {MAX_NODES:,} nodes, and this has {nodes:,}"))
    if edges > MAX_EDGES:
        problems.append(Problem("/edges", "too_many_edges", f"a document may have {MAX_EDGES:,} edges, and this has {edges:,}"))


def _size(graph: Graph) -> tuple[int, int]:
    """Nodes and edges, with those of inner graphs."""
    inner = [_size(node.graph) for node in graph.nodes.values() if node.graph is not None]
    return len(graph.nodes) + sum(nodes for nodes, _ in inner), len(graph.edges) + sum(edges for _, edges in inner)


def _nodes(part: Part) -> Mapping[NodeId, Node]:
    nodes = part.part("nodes")
    return {NodeId(name): read_node(name, nodes.part(name), _inner_graph) for name in nodes.fields}


def _channels(part: Part) -> Mapping[str, Channel]:
    state = part.part("state")
    return {name: _channel(name, state.part(name)) for name in state.fields}


def _channel(name: str, part: Part) -> Channel:
    if CHANNEL.fullmatch(name) is None:
        part.note(None, "bad_name", "a channel's name is made of letters, digits and `_`, and does not begin with a digit")
    if part.has("on_conflict") and part.fields["on_conflict"] != "last":
        part.note("on_conflict", "wrong_type", "`on_conflict` can only be last")
    return Channel(
        name=name,
        schema={key: value for key, value in part.fields.items() if key not in ("merge", "default", "on_conflict")},
        merge=part.choice("merge", Merge, Merge.REPLACE),
        default=part.fields.get("default"),
        has_default=part.has("default"),
        last_wins=part.fields.get("on_conflict") == "last",
    )


def _limits(part: Part) -> Limits:
    part.only(LIMITS)
    return Limits(
        steps=part.whole("steps", _NO_LIMITS.steps),
        visits=part.whole("visits", _NO_LIMITS.visits),
        seconds=part.seconds("seconds", _NO_LIMITS.seconds, above=0.0),
        depth=part.whole("depth", _NO_LIMITS.depth, MAX_FRAMES),
        fan_out=part.whole("fan_out", _NO_LIMITS.fan_out),
        concurrency=part.whole("concurrency", _NO_LIMITS.concurrency),
        cost_usd=_money(part) if part.has("cost_usd") else None,
        tokens=part.whole("tokens", 1) if part.has("tokens") else None,
    )


def _money(part: Part) -> Decimal | None:
    written = part.fields["cost_usd"]
    try:
        amount = Decimal(str(written)) if isinstance(written, str | int | float) and not isinstance(written, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or amount < 0:
        part.note("cost_usd", "wrong_type", f'`cost_usd` must be an amount such as "0.50", not {kind_of(written)}')
        return None
    return amount
