"""Is this document a workflow? Every problem and warning at once, each with a pointer into the document as it was posted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.documents import read_graph, summary
from application.documents.secrets import secrets_in
from application.inspection import Inspector
from domain.errors import FactoryError, Problem, ValidationError
from domain.graph.analysis import analyse
from domain.graph.checks import step
from domain.graph.definition import Graph
from domain.json import Json
from domain.ports.nodes import NodeKind, NodeKinds, Workshop
from domain.ports.tools import Tools

Locate = Callable[[str], tuple[int, int] | None]
"""Line and column (from 1) of what a JSON pointer points at, where the text of the document is known."""
_FOLLOWS_FROM_EDGES: Final = frozenset({"unreachable", "no_start", "join_source", "condition_missing", "route_missing", "targets_missing"})
"""Not worth saying of a graph whose edges could not all be read."""
MOST_PROBLEMS: Final = 1_000
"""Said of one document; of a file that is no workflow at all there could be as many as lines."""
_UNREAD: Final = frozenset({"missing_field", "wrong_type", "too_long"})


def nowhere(pointer: str) -> None:
    """The `Locate` of a document that has no lines."""


@dataclass(frozen=True, slots=True)
class Validation:
    """`graph` is complete exactly when there are no problems."""

    graph: Graph
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        return not self.problems

    def checked(self) -> Graph:
        """The graph, or `ValidationError` with every problem."""
        if self.problems:
            raise ValidationError(summary(list(self.problems)), self.problems)
        return self.graph

    def located(self, locate: Locate) -> "Validation":
        return replace(self, problems=tuple(placed(self.problems, locate)), warnings=tuple(placed(self.warnings, locate)))


def placed(problems: Sequence[Problem], locate: Locate) -> Iterator[Problem]:
    """The problems with their lines and columns."""
    for problem in problems:
        line, column = locate(problem.pointer) or (problem.line, problem.column)
        yield replace(problem, line=line, column=column)


@dataclass(frozen=True, slots=True)
class Validate:
    """Pure but for its memory of what was compiled: nothing is executed, fetched or stored."""

    kinds: NodeKinds
    workshop: Workshop

    def knowing(self, tools: Tools) -> "Validate":
        """The same for whoever has these tools."""
        return replace(self, workshop=replace(self.workshop, tools=tools))

    def __call__(self, document: Json) -> Validation:
        graph, structural = read_graph(document)
        if structural and not graph.nodes and not graph.edges:
            return Validation(graph, _first(structural), ())
        known, unknown = self._kinds_of(graph)
        analysis = analyse(graph, {name: kind.default_join for name, kind in known.items() if kind.default_join is not None})
        unsaid = _FOLLOWS_FROM_EDGES if any(map(_is_unread_edge, structural)) else ()
        meaning = [problem for problem in analysis.problems if problem.code not in unsaid]
        inspected = Inspector(graph, known, self.workshop).look()
        secrets = list(secrets_in(document))
        named = {problem.pointer for problem in secrets}
        others = [*structural, *unknown, *meaning, *inspected.problems]
        problems = [*secrets, *(problem for problem in others if problem.pointer not in named)]
        return Validation(graph, _in_order(problems), _in_order([*analysis.warnings, *inspected.warnings]))

    def _kinds_of(self, graph: Graph) -> tuple[dict[str, NodeKind], list[Problem]]:
        """The kinds that the graph's nodes name, and a problem for every node whose kind there is not."""
        known: dict[str, NodeKind] = {}
        missing: dict[str, str] = {}
        for _, name in _named_kinds(graph):
            if name not in known and name not in missing:
                try:
                    known[name] = self.kinds.get(name)
                except FactoryError as error:
                    missing[name] = error.message
        return known, [Problem(at, "unknown_kind", missing[name]) for at, name in _named_kinds(graph) if name in missing]


def _is_unread_edge(problem: Problem) -> bool:
    return "/edges" in problem.pointer and problem.code in _UNREAD


def _named_kinds(graph: Graph, at: str = "") -> Iterator[tuple[str, str]]:
    for name, node in graph.nodes.items():
        pointer = f"{at}/nodes/{step(name)}"
        if node.kind:
            yield f"{pointer}/kind", node.kind
        if node.graph is not None:
            yield from _named_kinds(node.graph, f"{pointer}/graph")


def _in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Each once, by pointer."""
    unique = {(problem.pointer, problem.code, problem.message): problem for problem in problems}
    return _first([unique[key] for key in sorted(unique)])


def _first(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    more = len(problems) - MOST_PROBLEMS
    if more <= 0:
        return tuple(problems)
    return (*problems[:MOST_PROBLEMS], Problem("", "and_more", f"and {more:,} more: mend these first"))
