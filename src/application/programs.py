"""A workflow version ready to run: the compiled graph with every expression, schema and executor beside it. Built once per version and
shared by its runs."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from application.named_tools import have_changed, names_tools
from application.used_prompts import used_prompts
from application.versions import named_workflows
from domain.errors import EdgeEvaluationError, ExpressionError, NodeExecutionError
from domain.graph.compiled import CompiledGraph, compile_graph
from domain.graph.definition import Channel, Edge, Graph, Merge, Node, Take
from domain.ids import ContentHash, NodeId, NodeIndex, TenantId
from domain.json import Json
from domain.ports.expressions import RECALLED, Scope, Value
from domain.ports.nodes import Executor, NodeKinds, Workshop
from domain.ports.repositories import Workflows
from domain.ports.schemas import Schema
from domain.ports.tools import ToolCatalog
from domain.tool import Taken

Decide = Callable[[Scope], tuple[NodeId, ...]]
_OF_EACH_ITEM = frozenset({"type", "items", "title", "description", "examples", "$comment"})


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """How a channel takes an update. `checks_whole`: the schema speaks of the merged value, not only of what is added. `merges_first`: the
    merge must be tried before a row says so, for the schema's sake or because the rule may refuse."""

    channel: Channel
    schema: Schema | None
    checks_whole: bool
    merges_first: bool

    def check(self, value: Json) -> None:
        """`NodeExecutionError` with code `invalid_update` when the schema refuses a value; an update of an `append` channel counts as a
        list."""
        if self.schema is None:
            return
        if not self.checks_whole and self.channel.merge is not Merge.REPLACE and not isinstance(value, list | tuple):
            value = [value]
        if not self.schema.accepts(value):
            found = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in self.schema.problems(value)[:3])
            raise NodeExecutionError(f"channel {self.channel.name} does not take the value: {found}", "invalid_update")


@dataclass(frozen=True, slots=True)
class NodeProgram:
    """`always`: where its edges lead when no expression decides; None: ask `edges`."""

    node: Node
    executor: Executor
    writes: tuple[tuple[str, Value], ...]
    always: tuple[NodeId, ...] | None
    edges: tuple[Decide, ...]
    recalls: tuple[str, ...] = ()
    """Items that its expressions recall."""


@dataclass(slots=True, eq=False)
class Program:
    """`hash`: of the document that the graph stands in, also for the inner graph of a `map`."""

    hash: ContentHash
    graph: CompiledGraph
    nodes: tuple[NodeProgram, ...]
    rules: Mapping[str, ChannelRule]
    output: Value | None
    input_schema: Schema | None
    start: tuple[Decide, ...]
    inner: dict[NodeIndex, "Program"] = field(default_factory=dict)
    names_others: bool = False
    """Does a node of it, at any depth, name a workflow that it runs or a published prompt?"""
    reserves: bool = False
    """Does a node of it say beforehand what it will use?"""

    recalls: bool = field(init=False)
    """Does a node of it recall?"""
    takes: dict[str, Taken] = field(init=False)
    """What the tools that it calls, at any depth, were when it was built."""

    def __post_init__(self) -> None:
        self.recalls = any(node.recalls for node in self.nodes)
        self.takes = dict(node.executor.takes for node in self.nodes if node.executor.takes is not None)
        for program in self.inner.values():
            self.takes |= program.takes

    def with_inner(self) -> dict[CompiledGraph, "Program"]:
        found = {self.graph: self}
        for program in self.inner.values():
            found.update(program.with_inner())
        return found


def build_program(graph: Graph, content: ContentHash, kinds: NodeKinds, workshop: Workshop) -> Program:
    """Compile everything a run of this graph will evaluate. The graph has passed validation; what fails all the same raises as there."""
    defaults = {name: join for name in _kinds_of(graph) if (join := kinds.get(name).default_join) is not None}
    return _program(compile_graph(graph, defaults), content, kinds, workshop)


def _kinds_of(graph: Graph) -> set[str]:
    inner = [_kinds_of(node.graph) for node in graph.nodes.values() if node.graph is not None]
    return {node.kind for node in graph.nodes.values()}.union(*inner)


def _program(compiled: CompiledGraph, content: ContentHash, kinds: NodeKinds, workshop: Workshop) -> Program:
    graph = compiled.graph
    nodes = tuple(_node(compiled, NodeIndex(at), kinds, workshop) for at in range(len(compiled.nodes)))
    return Program(
        hash=content,
        graph=compiled,
        nodes=nodes,
        rules={name: _rule(channel, workshop) for name, channel in graph.channels.items()},
        output=None if graph.output is None else workshop.expressions.value(graph.output),
        input_schema=None if graph.input_schema is None else workshop.schemas.compile(graph.input_schema),
        start=tuple(_decide(edge, workshop) for edge in compiled.edges_of[-1]),
        inner={at: _program(inner, content, kinds, workshop) for at, inner in compiled.inner.items()},
        names_others=any(True for _ in chain(named_workflows(graph), used_prompts(graph))),
        reserves=any(node.executor.reserve is not None or node.executor.performs for node in nodes),
    )


def _rule(channel: Channel, workshop: Workshop) -> ChannelRule:
    listed = channel.merge in (Merge.APPEND, Merge.UNION, Merge.MESSAGES)
    whole = channel.merge is not Merge.REPLACE and not (listed and channel.schema.keys() <= _OF_EACH_ITEM)
    first = whole or channel.merge is Merge.MESSAGES
    return ChannelRule(channel, workshop.schemas.compile(channel.schema) if channel.schema else None, whole, first)


def _node(compiled: CompiledGraph, at: NodeIndex, kinds: NodeKinds, workshop: Workshop) -> NodeProgram:
    node = compiled.nodes[at]
    edges = compiled.edges_of[at]
    writes = tuple((channel, workshop.expressions.value(written)) for channel, written in node.writes.items())
    plain = all(edge.condition is None and edge.target is not None for edge in edges)
    return NodeProgram(
        node=node,
        executor=kinds.get(node.kind).build(node, workshop),
        writes=writes,
        always=tuple(dict.fromkeys(edge.target for edge in edges if edge.target is not None)) if plain else None,
        edges=() if plain else tuple(_decide(edge, workshop) for edge in edges),
        recalls=recalls_of(node, kinds, workshop, [value for _, value in writes]),
    )


def recalls_of(node: Node, kinds: NodeKinds, workshop: Workshop, writes: Iterable[Value]) -> tuple[str, ...]:
    """The items that a node's expressions recall. Where those beside `writes` stand only its kind knows: it is asked if one may be."""
    paths = {path for value in writes for path in value.paths}
    if "recall" in str(node.config):
        inspected = kinds.get(node.kind).inspect(node, workshop)
        paths.update(path for reads in inspected.reads for path in reads.paths)
    return tuple(sorted({path[1] for path in paths if path[0] == RECALLED}))


def _decide(edge: Edge, workshop: Workshop) -> Decide:
    if edge.choose is not None:
        return _chooser(edge, workshop.expressions.value(edge.choose))
    if edge.routes:
        return _router(edge, [(_condition(edge, route.when, workshop), route.target) for route in edge.routes])
    target = (edge.target,) if edge.target is not None else ()
    if edge.condition is None:
        return lambda scope: target
    holds = _condition(edge, edge.condition, workshop)
    return lambda scope: target if holds(scope) else ()


def _condition(edge: Edge, source: str, workshop: Workshop) -> Callable[[Scope], bool]:
    evaluate = workshop.expressions.condition(source)

    def holds(scope: Scope) -> bool:
        try:
            value = evaluate(scope)
        except ExpressionError as error:
            raise EdgeEvaluationError(f"edge {edge.id} from {edge.source}: {error.message}") from error
        if value is True or value is False:
            return value
        raise EdgeEvaluationError(f"edge {edge.id} from {edge.source}: `{source}` gave {type(value).__name__}, not true or false")

    return holds


def _router(edge: Edge, rules: list[tuple[Callable[[Scope], bool], NodeId]]) -> Decide:
    def decide(scope: Scope) -> tuple[NodeId, ...]:
        found: list[NodeId] = []
        for holds, target in rules:
            if holds(scope):
                found.append(target)
                if edge.take is Take.FIRST:
                    break
        if found:
            return tuple(found)
        if edge.otherwise is None:
            raise NodeExecutionError(f"edge {edge.id} from {edge.source}: no rule of the route holds and it has no `otherwise`", "no_route")
        return (edge.otherwise,)

    return decide


def _chooser(edge: Edge, choose: Value) -> Decide:
    def decide(scope: Scope) -> tuple[NodeId, ...]:
        try:
            named = choose(scope)
        except ExpressionError as error:
            raise EdgeEvaluationError(f"edge {edge.id} from {edge.source}: {error.message}") from error
        names = named if isinstance(named, list | tuple) else [named]
        strange = [name for name in names if name not in edge.targets]
        if strange:
            raise EdgeEvaluationError(
                f"edge {edge.id} from {edge.source} names {strange[0]!r}, which is none of its targets: {', '.join(edge.targets)}"
            )
        return tuple(dict.fromkeys(NodeId(str(name)) for name in names))

    return decide


@dataclass(slots=True)
class ProgramShelf:
    """Programs by tenant and hash; the least recently used go when there are more than `most`, and those whose tools have changed what they
    do to the world."""

    workflows: Workflows
    kinds: NodeKinds
    workshop: Workshop
    catalog: ToolCatalog
    most: int = 256
    _kept: OrderedDict[tuple[TenantId, ContentHash], Program] = field(default_factory=OrderedDict)

    async def get(self, tenant: TenantId, content: ContentHash) -> Program:
        """`WorkflowNotFound` when no version has this hash."""
        known = self._kept.get((tenant, content))
        if known is None or (known.takes and have_changed(known.takes, await self.catalog.of(tenant, waits=False))):
            version = await self.workflows.by_hash(tenant, content)
            workshop = replace(self.workshop, tools=await self.catalog.of(tenant, waits=names_tools(version.document)))
            known = build_program(version.graph, content, self.kinds, workshop)
            self._kept[tenant, content] = known
            if len(self._kept) > self.most:
                self._kept.popitem(last=False)
        self._kept.move_to_end((tenant, content))
        return known
