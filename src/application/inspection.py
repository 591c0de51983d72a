"""What is wrong with the parts of a graph that only their own languages understand: schemas, expressions, and the keys of node kinds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.documents.reading import pointer_to
from application.flow import keys_of
from domain.errors import Problem, ValidationError
from domain.graph.checks import known_channels, undoing
from domain.graph.definition import START, Edge, Graph, Node
from domain.ids import NodeId
from domain.json import Json
from domain.ports.expressions import RECALLED, Value
from domain.ports.nodes import NodeKind, Reads, Workshop

AT_START: Final = frozenset({"input"})
"""What keys of `flow` may name: there is nothing else yet."""
BEFORE: Final = frozenset({"state", "input", "run"})
"""What a node's own values may name."""
AFTER: Final = BEFORE | {"output"}
"""What its `writes` and its edges may name."""
OF_AN_ITEM: Final = frozenset({"item", "index"})
OF_A_FAILURE: Final = frozenset({"error", "errors"})
OF_A_COMPENSATION: Final = OF_A_FAILURE | {"undone"}

MOST_RECALLED: Final = 50
"""Items that one node recalls: each is read by itself before it runs."""
IN_A_NODE: Final = frozenset({RECALLED})
"""What only the values and `writes` of nodes may recall: items are read before a node runs, and nowhere else."""

Compile = Callable[[], Value]


@dataclass(frozen=True, slots=True)
class Inspected:
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


class Inspector:
    """Looks at one graph. `item` and `index` are there within a `map`: certain in its inner graph, possible in a workflow that it runs."""

    def __init__(self, graph: Graph, kinds: Mapping[str, NodeKind], workshop: Workshop, at: str = "", *, in_a_map: bool = False) -> None:
        self._graph = graph
        self._kinds = kinds
        self._workshop = workshop
        self._at = at
        self._in_a_map = in_a_map
        self._undoing = undoing(graph)
        self._catching = {target for edge in graph.edges if edge.on_error is not None for target in edge.reaches()}
        self._recalled: set[str] = set()
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []

    def look(self) -> Inspected:
        """Everything at once; compiles, and runs nothing."""
        self._look_at_state()
        for name, node in self._graph.nodes.items():
            self._look_at_node(pointer_to("/nodes", name), node)
        for number, edge in enumerate(self._graph.edges):
            self._look_at_edge(f"/edges/{number}", edge)
        for member, written in (self._graph.output or {}).items():
            self._value(pointer_to("/output", member), written, BEFORE)
        for rule, key in keys_of(self._graph.flow):
            self._value(f"/flow/{rule}/key", key, AT_START)
        return Inspected(tuple(map(self._below, self._problems)), tuple(map(self._below, self._warnings)))

    def _below(self, problem: Problem) -> Problem:
        return replace(problem, pointer=self._at + problem.pointer)

    def _look_at_state(self) -> None:
        if self._graph.input_schema is not None:
            self._problems += problems_of_schema(self._workshop, "/input", self._graph.input_schema)
        for name, channel in self._graph.channels.items():
            at = pointer_to("/state", name)
            found = problems_of_schema(self._workshop, at, channel.schema)
            self._problems += found
            if not found and channel.has_default:
                self._problems += problems_of_value(self._workshop, f"{at}/default", channel.schema, channel.default)

    def _look_at_node(self, at: str, node: Node) -> None:
        self._recalled.clear()
        kind = self._kinds.get(node.kind)
        if kind is not None:
            self._look_at_config(at, node, kind)
        for channel, written in node.writes.items():
            self._value(pointer_to(f"{at}/writes", channel), written, AFTER | IN_A_NODE | self._failure_at(node.id))
        if len(self._recalled) > MOST_RECALLED:
            message = f"a node recalls at most {MOST_RECALLED} items, not {len(self._recalled)}: let the tool `recall` find them"
            self._problems.append(Problem(at, "too_many_items", message))
        if node.graph is not None:
            inner = Inspector(node.graph, self._kinds, self._workshop, f"{at}/graph", in_a_map=True).look()
            self._problems += inner.problems
            self._warnings += inner.warnings

    def _look_at_config(self, at: str, node: Node, kind: NodeKind) -> None:
        wrong = problems_of_config(self._workshop, at, node, kind)
        self._problems += wrong
        if wrong:
            return
        found = kind.inspect(node, self._workshop)
        self._problems += [replace(problem, pointer=at + problem.pointer) for problem in found.problems]
        for reads in found.reads:
            self._check_reads(at, node, reads)
        for pointer, code in found.fails_with:
            if not any(edge.source == node.id and edge.catches(code) for edge in self._graph.edges if edge.on_error is not None):
                message = f"`{node.id}` has no `on_error` edge that catches `{code}`: add one, or let the node fail"
                self._problems.append(Problem(at + pointer, "edge_missing", message))

    def _check_reads(self, at: str, node: Node, reads: Reads) -> None:
        allowed = BEFORE | IN_A_NODE | self._failure_at(node.id)
        if reads.pointer.startswith("/writes"):
            allowed |= {"output"}
        if node.kind == "map" and reads.pointer.startswith("/input"):
            allowed |= OF_AN_ITEM
        self._check_paths(at + reads.pointer, reads.paths, allowed)

    def _look_at_edge(self, at: str, edge: Edge) -> None:
        allowed = BEFORE if edge.source == START else AFTER | self._failure_at(edge.source)
        if edge.condition is not None:
            self._condition(f"{at}/when", edge.condition, allowed)
        for number, route in enumerate(edge.routes):
            self._condition(f"{at}/route/{number}/when", route.when, allowed)
        if edge.choose is not None:
            self._value(f"{at}/to", edge.choose, allowed)

    def _failure_at(self, node: NodeId) -> frozenset[str]:
        if node in self._undoing:
            return OF_A_COMPENSATION
        return OF_A_FAILURE if node in self._catching else frozenset()

    def _value(self, at: str, written: Json, allowed: frozenset[str]) -> None:
        """Every expression in a value, however deep it stands. Literals need no compiling; a big document is full of them."""
        if isinstance(written, str):
            if "${" in written:
                self._compiled(at, lambda: self._workshop.expressions.value(written), allowed)
        elif isinstance(written, dict):
            for name, inner in written.items():
                self._value(pointer_to(at, name), inner, allowed)
        elif isinstance(written, list):
            for number, inner in enumerate(written):
                self._value(pointer_to(at, number), inner, allowed)

    def _condition(self, at: str, source: str, allowed: frozenset[str]) -> None:
        self._compiled(at, lambda: self._workshop.expressions.condition(source), allowed)

    def _compiled(self, at: str, compiling: Compile, allowed: frozenset[str]) -> None:
        try:
            value = compiling()
        except ValidationError as error:
            self._problems.append(Problem(at, error.code, error.message))
        else:
            self._check_paths(at, value.paths, allowed)

    def _check_paths(self, at: str, paths: frozenset[tuple[str, ...]], allowed: frozenset[str]) -> None:
        for path in sorted(paths):
            root = path[0]
            if root in OF_AN_ITEM - allowed:
                self._check_item(at, root)
            elif root not in allowed:
                self._problems.append(Problem(at, "unknown_name", _unknown_name(root, allowed)))
            elif root == RECALLED:
                self._recalled.add(path[1])
            elif root == "state" and len(path) > 1 and path[1] not in self._graph.channels:
                message = f"there is no channel `{path[1]}`; {known_channels(self._graph)}"
                self._problems.append(Problem(at, "unknown_channel", message))

    def _check_item(self, at: str, root: str) -> None:
        if not self._in_a_map:
            message = f"`{root}` is there only when a `map` runs this workflow; pass what is needed by `input`"
            self._warnings.append(Problem(at, "item_outside_map", message))


def _unknown_name(root: str, allowed: frozenset[str]) -> str:
    if root in OF_A_FAILURE:
        return f"`{root}` is there only in the target of an `on_error` edge"
    if root == RECALLED:
        return "`recall` is there only in the values and `writes` of a node: let one write it to a channel, and read that"
    return f"`{root}` is not known here; the names are {', '.join(sorted(allowed - IN_A_NODE))}"


def problems_of_config(workshop: Workshop, at: str, node: Node, kind: NodeKind) -> Sequence[Problem]:
    """What the schema of a kind says of the keys that only this kind has."""
    known = kind.schema.get("properties")
    strange = sorted(node.config.keys() - known.keys()) if isinstance(known, Mapping) and _is_closed(kind) else []
    problems = [_strange_key(at, node.kind, key, known) for key in strange if isinstance(known, Mapping)]
    config = {key: value for key, value in node.config.items() if key not in strange}
    return [*problems, *_plainly(at, kind, problems_of_value(workshop, at, kind.schema, config))]


def _plainly(at: str, kind: NodeKind, problems: Sequence[Problem]) -> Iterator[Problem]:
    """Of a kind that wants one of several keys, a validator only says that none or several branches hold."""
    branches = kind.schema.get("oneOf")
    keys = [key for branch in branches for key in _wanted(branch)] if isinstance(branches, list | tuple) else []
    for problem in problems:
        is_choice = problem.code == "schema_oneOf" and problem.pointer == at and keys
        wanted = f"`{kind.name}` needs exactly one of {', '.join(f'`{key}`' for key in keys)}"
        yield replace(problem, message=wanted) if is_choice else problem


def _wanted(branch: Json) -> Sequence[Json]:
    keys = branch.get("required") if isinstance(branch, Mapping) else None
    return keys if isinstance(keys, list | tuple) else ()


def _is_closed(kind: NodeKind) -> bool:
    return kind.schema.get("additionalProperties") is False


def _strange_key(at: str, kind: str, key: str, known: Mapping[str, Json]) -> Problem:
    keys = f"its keys are {', '.join(sorted(known))}" if known else "it has no keys of its own"
    return Problem(pointer_to(at, key), "unknown_field", f"`{key}` is not a key of `{kind}`; {keys}")


def problems_of_schema(workshop: Workshop, at: str, schema: Json) -> Sequence[Problem]:
    """Is it a JSON Schema at all?"""
    return list(_refused(at, lambda: workshop.schemas.compile(schema)))


def problems_of_value(workshop: Workshop, at: str, schema: Json, value: Json) -> Sequence[Problem]:
    """What a schema says of a value that stands at `at`."""
    compiled = workshop.schemas.compile(schema)
    return [] if compiled.accepts(value) else [replace(found, pointer=at + found.pointer) for found in compiled.problems(value)]


def _refused(at: str, attempt: Callable[[], object]) -> Iterator[Problem]:
    try:
        attempt()
    except ValidationError as error:
        for found in error.problems:
            yield Problem(at + found.pointer, "bad_schema", found.message)
