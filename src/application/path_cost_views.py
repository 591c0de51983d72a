"""What ways through a graph cost, as readers and pictures get it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cached_property
from typing import Final

from application.usage_views import Group, SpentView, main_currency
from application.views import View, plain_number
from domain.graph.definition import Graph
from domain.graph.notes import NodePath, Notes, scopes
from domain.graph.picture import Stroke, arrows
from domain.path_costs import Cost, PathCosts, Way, branches, summed
from domain.tally import Tally, amount_of

_CONTEXT: Final = Context(prec=60)


class NodeCostView(SpentView):
    """`node`: with those it stands in, `review/draft`. What runs in it is in its cost too."""

    node: str
    visits: int
    visits_per_run: float
    cost_per_run: str


class ArrowCostView(SpentView):
    """`taken`: how often a token went this way. The cost is that of the visits it led to; `cost_per_run` and the other sums are of them.
    `branch`: the nodes that are reached through this arrow alone, or of one that `closes_loop` those of its loop; what they cost a run
    on average is `branch_cost_per_run`."""

    source: str
    target: str
    taken: int
    taken_per_run: float
    closes_loop: bool
    cost_per_run: str
    branch: list[str]
    branch_cost_per_run: str


class PathCostsView(View):
    """Of the newest `runs` runs of a version that have ended. `total` is what they cost; the nodes that stand in no other come to the same.
    Amounts per run are in the currency of the other costs, rounded at the twelfth place."""

    workflow: str
    runs: int
    nodes: list[NodeCostView]
    arrows: list[ArrowCostView]
    total: SpentView
    cost_per_run: str


@dataclass(frozen=True)
class Described:
    graph: Graph
    costs: PathCosts

    @cached_property
    def total(self) -> Group:
        return Group((), self.costs.total())

    @cached_property
    def main(self) -> str:
        return main_currency(self.total)

    @cached_property
    def branches(self) -> Mapping[Way, tuple[NodePath, ...]]:
        return branches(self.graph)

    def view(self) -> PathCostsView:
        drawn = [f"{scope}{node}" for scope, graph in scopes(self.graph).items() for node in graph.nodes]
        ways = {
            (scope + arrow.source, scope + arrow.target): arrow.is_back
            for scope, graph in scopes(self.graph).items()
            for arrow in arrows(graph)
        }
        return PathCostsView(
            workflow=self.graph.id,
            runs=self.costs.runs,
            nodes=[self._node(node) for node in dict.fromkeys([*drawn, *sorted(self.costs.visits)])],
            arrows=[self._arrow(way, closes_loop) for way, closes_loop in ways.items()],
            total=SpentView.model_validate(self.total.members(self.main)),
            cost_per_run=self._per_run(self.total.tallies),
        )

    def notes(self) -> Notes:
        """On boxes what a visited node costs a run; on arrows how often a run goes there, and what that costs: of one that has a choice,
        what belongs to it alone."""
        boxes = {node: self._said(self.costs.visits[node], self.costs.of_nodes.get(node, {})) for node in self.costs.visits}
        return Notes(boxes, {way: self._said(taken, self._shown(way)) for way, taken in self.costs.taken.items()})

    @cached_property
    def _chosen(self) -> frozenset[Way]:
        found = [(scope, arrow) for scope, graph in scopes(self.graph).items() for arrow in arrows(graph)]
        return frozenset((scope + one.source, scope + one.target) for scope, one in found if one.is_back or one.stroke is not Stroke.ALWAYS)

    def _shown(self, way: Way) -> Cost:
        alone = way in self._chosen and self.branches.get(way)
        return self._of_branch(way) if alone else self.costs.of_ways.get(way, {})

    def _said(self, times: int, cost: Mapping[str | None, Tally]) -> str:
        said = [f"{times / max(self.costs.runs, 1):.3g}x"]
        if cost:
            said.insert(0, f"{short(self._average(cost))} {self.main}" if self.main in cost else "price unknown")
        return ", ".join(said)

    def _of_branch(self, way: Way) -> Cost:
        return summed(self.costs.of_nodes.get(node, {}) for node in self.branches.get(way, ()))

    def _node(self, node: NodePath) -> NodeCostView:
        cost = self.costs.of_nodes.get(node, {})
        visits = self.costs.visits[node]
        about = {"node": node, "visits": visits, "visits_per_run": self._rate(visits), "cost_per_run": self._per_run(cost)}
        return NodeCostView.model_validate({**Group((), cost).members(self.main), **about})

    def _arrow(self, way: Way, closes_loop: bool) -> ArrowCostView:
        cost, taken = self.costs.of_ways.get(way, {}), self.costs.taken[way]
        about = {
            "source": way[0],
            "target": way[1],
            "taken": taken,
            "taken_per_run": self._rate(taken),
            "closes_loop": closes_loop,
            "cost_per_run": self._per_run(cost),
            "branch": list(self.branches.get(way, ())),
            "branch_cost_per_run": self._per_run(self._of_branch(way)),
        }
        return ArrowCostView.model_validate({**Group((), cost).members(self.main), **about})

    def _rate(self, times: int) -> float:
        return times / self.costs.runs if self.costs.runs else 0.0

    def _average(self, cost: Mapping[str | None, Tally]) -> Decimal:
        return _CONTEXT.divide(amount_of(cost.get(self.main, Tally()).attos), Decimal(max(self.costs.runs, 1)))

    def _per_run(self, cost: Mapping[str | None, Tally]) -> str:
        return plain_number(self._average(cost).quantize(Decimal("1e-12"), ROUND_HALF_EVEN, _CONTEXT))


def short(amount: Decimal) -> str:
    """Three digits that say something."""
    return plain_number(Context(prec=3).plus(amount))
