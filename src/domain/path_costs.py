"""What ways through a graph cost: which node ran how often, which arrow was taken how often, and what came of it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from domain.graph.definition import START, Graph
from domain.graph.notes import NodePath, scopes
from domain.graph.picture import Arrow, arrows
from domain.ids import ActivationPath, Position
from domain.run.events import Event, NodeFailed, NodeFinished, RunMigrated, RunStarted, Terminated
from domain.tally import Tally
from domain.usage import UsageRow

Cost: TypeAlias = dict[str | None, Tally]
"""By currency; None: of calls whose price is unknown."""
Way: TypeAlias = tuple[NodePath, NodePath]
_VISIT: Final = re.compile(r"#\d+(\[\d+\])?")


@dataclass(slots=True)
class PathCosts:
    """Of several runs together. A node's cost is that of what runs in it too. An arrow's is that of the visits that it led to, and of
    all that ran in them: where several arrows led to a visit, it counts at each."""

    runs: int = 0
    visits: Counter[NodePath] = field(default_factory=Counter)
    taken: Counter[Way] = field(default_factory=Counter)
    of_nodes: dict[NodePath, Cost] = field(default_factory=dict)
    of_ways: dict[Way, Cost] = field(default_factory=dict)

    def add(self, rows: Iterable[tuple[Position, Event]], lines: Iterable[UsageRow]) -> None:
        """One run: its rows, and its lines of the ledger."""
        seen = _Seen()
        for position, event in rows:
            seen.see(position, event)
        self.runs += 1
        self.taken.update(seen.taken)
        charged = [line for line in lines if line.state.is_charged]
        for activation in {*seen.led, *seen.others, *(line.activation for line in charged)}:
            self.visits[seen.node(activation)] += 1
        for line in charged:
            self._charge(line, seen)

    def total(self) -> Cost:
        """What the runs cost: the sum over the nodes that stand in no other."""
        return summed(cost for node, cost in self.of_nodes.items() if "/" not in node)

    def _charge(self, line: UsageRow, seen: "_Seen") -> None:
        currency, tally = line.usage.cost.currency if line.usage.cost else None, Tally.of(line)
        for activation in _with_outer(line.activation):
            node = seen.node(activation)
            _add(self.of_nodes.setdefault(node, {}), currency, tally)
            for source in dict.fromkeys(seen.led.get(activation, ())):
                _add(self.of_ways.setdefault((source, node), {}), currency, tally)


@dataclass(slots=True)
class _Seen:
    """`led`: visit -> where what started it came from. `sent`: row -> the node that ended with it."""

    sent: dict[Position, NodePath] = field(default_factory=dict)
    led: dict[ActivationPath, tuple[NodePath, ...]] = field(default_factory=dict)
    others: set[ActivationPath] = field(default_factory=set)
    taken: Counter[Way] = field(default_factory=Counter)
    renamed: dict[NodePath, NodePath] = field(default_factory=dict)
    first: Position | None = None
    """Rows before it are another run's, which this one goes on from."""

    def node(self, activation: ActivationPath) -> NodePath:
        found = _VISIT.sub("", activation)[1:]
        return self.renamed.get(found, found)

    def see(self, position: Position, event: Event) -> None:
        if self.first is None:
            self.first = position if isinstance(event, RunStarted) else Position(position + 1)
        match event:
            case NodeFinished() | NodeFailed():
                self.sent[position] = node = self.node(event.activation)
                scope = node.rpartition("/")[0]
                self.taken.update((node, f"{scope}/{target}" if scope else target) for target in event.taken)
                self._ended(event)
            case Terminated():
                self._ended(event)
            case RunMigrated():
                self.renamed |= event.nodes
            case _:
                if (activation := getattr(event, "activation", None)) is not None:
                    self.others.add(activation)

    def _ended(self, event: NodeFinished | NodeFailed | Terminated) -> None:
        node = self.node(event.activation)
        scope = node.rpartition("/")[0]
        start = f"{scope}/{START}" if scope else START
        sources = tuple(self.sent.get(at, start) for at in event.consumed if self.first is not None and at >= self.first)
        self.led[event.activation] = sources
        if start in sources:
            self.taken[start, node] += 1


def branches(graph: Graph) -> dict[Way, tuple[NodePath, ...]]:
    """What belongs to each arrow alone: the nodes that nothing reaches from `start` but through it; of one that closes a loop, the nodes
    of that loop."""
    return {way: nodes for scope, inner in scopes(graph).items() for way, nodes in _branches(inner, scope)}


def _branches(graph: Graph, scope: NodePath) -> Iterator[tuple[Way, tuple[NodePath, ...]]]:
    drawn = arrows(graph)
    for arrow in drawn:
        ahead = _reached(drawn, arrow.target)
        if arrow.is_back:
            nodes = ahead & {arrow.source, *_reached(drawn, arrow.source, backwards=True)}
        else:
            nodes = _reached(drawn, START) - _reached([other for other in drawn if _way(other) != _way(arrow)], START)
        yield (scope + arrow.source, scope + arrow.target), tuple(scope + node for node in graph.nodes if node in nodes)


def _way(arrow: Arrow) -> tuple[str, str]:
    return arrow.source, arrow.target


def _reached(drawn: Iterable[Arrow], first: str, *, backwards: bool = False) -> set[str]:
    """From one place on, itself included."""
    out: dict[str, list[str]] = {}
    for way in map(_way, drawn):
        one, other = reversed(way) if backwards else way
        out.setdefault(one, []).append(other)
    seen, todo = {first}, [first]
    while todo:
        fresh = [place for place in out.get(todo.pop(), ()) if place not in seen]
        seen.update(fresh)
        todo += fresh
    return seen


def summed(costs: Iterable[Mapping[str | None, Tally]]) -> Cost:
    found: Cost = {}
    for cost in costs:
        for currency, tally in cost.items():
            _add(found, currency, tally)
    return found


def _add(cost: Cost, currency: str | None, tally: Tally) -> None:
    cost[currency] = cost.get(currency, Tally()) + tally


def _with_outer(activation: ActivationPath) -> Iterator[ActivationPath]:
    """A visit, and those that it happened in."""
    yield activation
    while "]/" in activation:
        activation = ActivationPath(activation.rpartition("]/")[0].rpartition("[")[0])
        yield activation
