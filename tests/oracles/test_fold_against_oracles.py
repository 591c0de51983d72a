"""The engine's fold beside two oracles that know nothing of it. `make fuzz` runs 100,000 cases of each."""

import os
from collections.abc import Callable

import pytest

from domain.graph import compiled, loops
from domain.graph.definition import JoinKind
from domain.ids import NodeIndex
from domain.run import planner
from domain.run.state import Frame
from tests.oracles.duel import duel, structured

CASES = int(os.environ.get("WEFT_FUZZ", "2000"))
BATCHES = 20


def batch(number: int) -> range:
    return range(number * CASES // BATCHES, (number + 1) * CASES // BATCHES)


@pytest.mark.fuzz
@pytest.mark.parametrize("number", range(BATCHES))
def test_a_random_graph_runs_as_the_naive_model_runs_it(number: int) -> None:
    assert [found for seed in batch(number) if (found := duel(seed))] == []


@pytest.mark.fuzz
@pytest.mark.parametrize("number", range(BATCHES))
def test_a_structured_program_visits_what_its_structure_means(number: int) -> None:
    assert [found for seed in batch(number) if (found := structured(seed))] == []


def is_noticed_by(oracle: Callable[[int], str | None], cases: int = 400) -> bool:
    return any(_notices(oracle, seed) for seed in range(cases))


def _notices(oracle: Callable[[int], str | None], seed: int) -> bool:
    try:
        return oracle(seed) is not None
    except (AssertionError, IndexError, KeyError):
        return True  # a frame that failed, or nothing left to run: the oracle's way of saying no


def test_both_oracles_notice_a_node_that_waits_for_every_ancestor(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_ancestors(graph: compiled.CompiledGraph, node: NodeIndex, spent: int) -> int:
        return loops.reaching(graph.arrows, node, 0, 0)

    monkeypatch.setattr(compiled.CompiledGraph, "waits_past", all_ancestors)

    assert is_noticed_by(duel)
    assert is_noticed_by(structured)


def test_both_oracles_notice_heads_that_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_passes(graph: compiled.CompiledGraph, frame: Frame, node: NodeIndex, first: int) -> int:
        return 0

    monkeypatch.setattr(planner, "_passes", nobody_passes)

    assert is_noticed_by(duel)
    assert is_noticed_by(structured)


def test_both_oracles_notice_joins_at_single_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_is_single", lambda join, sources: False)
    monkeypatch.setattr(compiled, "_meets", lambda join, sources: join.kind is JoinKind.ALL)

    assert is_noticed_by(duel)
    assert is_noticed_by(structured)


def test_the_naive_model_notices_spent_nodes_that_do_not_cut_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    def uncut(graph: compiled.CompiledGraph, node: NodeIndex, spent: int) -> int:
        return graph.waits.get(node) or loops.reaching(graph.arrows, node, graph.around[node] & ~graph.bit[node], 0)

    monkeypatch.setattr(compiled.CompiledGraph, "waits_past", uncut)

    assert is_noticed_by(duel, 2000)
