"""What ways through a graph cost, of runs that were really played."""

from decimal import Decimal

import pytest

from application.documents import parse_graph
from application.drawing import DrawWorkflow
from application.path_cost_views import PathCostsView
from application.path_costs import CostPaths, PathCostsOrder
from application.pictures import to_dot, to_mermaid
from domain.access import Principal, Role
from domain.errors import NodeExecutionError, WorkflowNotFound
from domain.ids import DEFAULT_TENANT
from domain.path_costs import branches
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.ports.repositories import RunFilter
from domain.usage import Money, Usage
from infrastructure.pictures.svg import to_svg
from tests.documents import Document, document
from tests.unit.application.engine.stage import Act, Stage

ACT = {"kind": "act"}
VIEWER = Principal(DEFAULT_TENANT, Role.VIEWER, "me")
TURNS = {"state": {"turns": {"type": "integer", "default": 0}}}


def costing(amount: str, currency: str = "USD") -> Act:
    async def act(context: NodeContext) -> Outcome:
        return Finished(None, Usage("m", 10, 1, Money(Decimal(amount), currency)))

    return act


async def unpriced(context: NodeContext) -> Outcome:
    return Finished(None, Usage("new", 10, 1))


def failing_for(amount: str) -> Act:
    async def act(context: NodeContext) -> Outcome:
        error = NodeExecutionError("no", "refused")
        error.usage = Usage("m", 10, 1, Money(Decimal(amount)))  # type: ignore[attr-defined]
        raise error

    return act


def looping(rounds: int) -> Document:
    """`draft` and `critique` take turns, so many times; then comes `print`, which says nothing to a model."""
    nodes = {"draft": {**ACT, "writes": {"turns": "${state.turns + 1}"}}, "critique": ACT, "print": ACT}
    back, on = f"critique > draft ? state.turns < {rounds}", f"critique > print ? state.turns >= {rounds}"
    return document(nodes, ["start > draft", "draft > critique", back, on], **TURNS)


async def costs_of(stage: Stage, graph: Document, runs: int = 1, **order: int) -> PathCostsView:
    await stage.publish(graph)
    for _ in range(runs):
        await stage.play(graph)
    return await use_case(stage)(VIEWER, "w", PathCostsOrder(**order))


def use_case(stage: Stage) -> CostPaths:
    store = stage.store
    draw = DrawWorkflow(store.workflows, {"mermaid": to_mermaid, "dot": to_dot, "svg": to_svg})
    return CostPaths(store.workflows, store.runs, store.journal, store.usage, draw)


async def silent(context: NodeContext) -> Outcome:
    return Finished(None)


async def test_a_loop_says_how_often_it_goes_round_and_what_it_costs(stage: Stage) -> None:
    stage.does(draft=costing("0.1"), critique=costing("0.02"), print=silent)

    found = await costs_of(stage, looping(3), runs=2)

    nodes = {node.node: (node.visits, node.visits_per_run, node.cost.amount, node.cost_per_run) for node in found.nodes}
    assert nodes == {"draft": (6, 3.0, "0.6", "0.3"), "critique": (6, 3.0, "0.12", "0.06"), "print": (2, 1.0, "0", "0")}
    ways = {(way.source, way.target): (way.taken_per_run, way.cost_per_run, way.branch_cost_per_run) for way in found.arrows}
    assert ways == {
        ("start", "draft"): (1.0, "0.1", "0.36"),
        ("draft", "critique"): (3.0, "0.06", "0.06"),
        ("critique", "draft"): (2.0, "0.2", "0.36"),
        ("critique", "print"): (1.0, "0", "0"),
    }
    assert [way.target for way in found.arrows if way.closes_loop] == ["draft"]
    assert (found.runs, found.cost_per_run, found.total.cost.amount) == (2, "0.36", "0.72")


async def test_what_nodes_cost_comes_to_what_the_runs_cost(stage: Stage) -> None:
    """With a map in it, a failed attempt that is tried again, a branch that is not taken, and one that fails for good."""
    inner = document({"ask": ACT}, ["start > ask"])
    nodes = {
        "each": {"kind": "map", "over": "${[1, 2, 3]}", "graph": {"nodes": inner["nodes"], "edges": inner["edges"]}},
        "ask": ACT,
        "rescue": ACT,
        "never": ACT,
    }
    graph = document(nodes, ["start > each", "each > ask", "ask ! rescue", "ask > never ? false"])
    stage.does(ask=failing_for("0.007"), rescue=costing("0.1"), never=costing("9"))
    stage.acts["ask"] = _by_frame(inside=costing("0.01"), outside=failing_for("0.007"))

    found = await costs_of(stage, graph)

    run = (await stage.store.runs.list(DEFAULT_TENANT, RunFilter(), 1, None)).items[0]
    tops = sum(Decimal(node.cost.amount) for node in found.nodes if "/" not in node.node)
    assert tops == run.usage.cost.amount == Decimal(found.total.cost.amount) == Decimal("0.137")
    assert {node.node: (node.visits, node.cost.amount) for node in found.nodes} == {
        "each": (1, "0.03"),
        "each/ask": (3, "0.03"),
        "ask": (1, "0.007"),
        "rescue": (1, "0.1"),
        "never": (0, "0"),
    }
    ways = {(way.source, way.target): (way.taken, way.cost.amount) for way in found.arrows}
    assert ways["each/start", "each/ask"] == (3, "0.03")
    assert ways["start", "each"] == (1, "0.03")
    assert ways["ask", "rescue"] == (1, "0.1")
    assert ways["ask", "never"] == (0, "0")


def _by_frame(inside: Act, outside: Act) -> Act:
    async def act(context: NodeContext) -> Outcome:
        return await (inside if "[" in context.activation else outside)(context)

    return act


def test_a_branch_is_what_only_its_arrow_leads_to() -> None:
    edges = ["start > a", "a > b ? state.x", "a > c ? !state.x", "b > d", "c > d", "c > only", "d > e", "e > d ? state.x"]

    found = branches(parse_graph(document("a b c d e only", edges)))

    assert found["a", "b"] == ("b",)
    assert found["a", "c"] == ("c", "only")
    assert found["b", "d"] == ()
    assert found["e", "d"] == ("d", "e")
    assert found["start", "a"] == ("a", "b", "c", "d", "e", "only")


async def test_a_join_counts_at_each_arrow_that_led_to_it_and_once_in_all(stage: Stage) -> None:
    stage.does(a=silent, b=silent, c=silent, d=costing("0.5"))
    graph = document(dict.fromkeys("abcd", ACT), ["start > a", "a > b", "a > c", "b > d", "c > d"])

    found = await costs_of(stage, graph)

    assert [(way.source, way.cost.amount) for way in found.arrows if way.target == "d"] == [("b", "0.5"), ("c", "0.5")]
    assert found.total.cost.amount == "0.5"


async def test_prices_that_are_unknown_and_other_currencies_are_said_and_not_summed(stage: Stage) -> None:
    stage.does(a=costing("0.5"), b=unpriced, c=costing("0.25", "EUR"))
    found = await costs_of(stage, document({"a": ACT, "b": ACT, "c": ACT}, ["start > a", "a > b", "b > c"]))

    cost = found.total.cost
    assert (cost.amount, cost.unpriced_calls, [(one.amount, one.currency) for one in cost.others]) == ("0.5", 1, [("0.25", "EUR")])
    picture = await use_case(stage).picture(VIEWER, "w", PathCostsOrder(), "mermaid")
    assert "price unknown, 1x" in picture


async def test_only_the_newest_runs_that_have_ended_are_looked_at(stage: Stage) -> None:
    stage.does(a=costing("0.5"))
    graph = document({"a": ACT}, ["start > a"])
    await costs_of(stage, graph, runs=2)
    stage.does(a=costing("0.25"))
    await stage.clock.sleep(1)
    await stage.play(graph)
    await stage.order(graph)

    newest = await use_case(stage)(VIEWER, "w", PathCostsOrder(limit=1))
    everything = await use_case(stage)(VIEWER, "w", PathCostsOrder())

    assert (newest.runs, newest.total.cost.amount) == (1, "0.25")
    assert (everything.runs, everything.total.cost.amount) == (3, "1.25")


async def test_a_version_that_never_ran_costs_nothing(stage: Stage) -> None:
    await stage.publish(looping(2))

    found = await use_case(stage)(VIEWER, "w", PathCostsOrder())

    assert (found.runs, found.cost_per_run, [node.visits_per_run for node in found.nodes]) == (0, "0", [0.0, 0.0, 0.0])
    with pytest.raises(WorkflowNotFound):
        await use_case(stage)(VIEWER, "w", PathCostsOrder(version="9.9.9"))


@pytest.mark.parametrize("language", ["mermaid", "dot", "svg"])
async def test_the_picture_says_it_on_boxes_and_arrows(stage: Stage, language: str) -> None:
    stage.does(draft=costing("0.1"), critique=costing("0.02"), print=silent)
    await costs_of(stage, looping(3))

    picture = await use_case(stage).picture(VIEWER, "w", PathCostsOrder(), language)

    assert "0.3 USD, 3x" in picture
    assert "0.36 USD, 2x" in picture
