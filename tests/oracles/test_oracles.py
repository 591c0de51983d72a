"""The oracles against each other, at random, before the engine is held against them."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

import pytest

from tests.oracles.graphs import random_graph, random_targets
from tests.oracles.naive import NaiveFrame, Step
from tests.oracles.shape import START, Shape
from tests.oracles.structured import Case, random_case

MOST_STEPS = 200
BATCHES = range(8)
IN_A_BATCH = 50

Ending = Literal["ended", "running", "stuck"]
"""Stuck is a frame that is not done and in which nothing runs."""


@dataclass(eq=False)
class Playing:
    """A frame under way, and the activation of a map that opened it."""

    document: Mapping[str, object]
    prefix: str
    opener: "tuple[Playing, str, int] | None" = None

    def __post_init__(self) -> None:
        self.frame = NaiveFrame(self.document)


@dataclass
class StructuredRun:
    """Plays a case: map bodies are frames of their own, and whatever runs finishes in random order."""

    case: Case
    rng: random.Random
    visits: Counter[str] = field(default_factory=Counter)
    running: list[tuple[Playing, str, int]] = field(default_factory=list)
    open_items: Counter[str] = field(default_factory=Counter)  # by path of the map's activation

    def play(self) -> Counter[str]:
        self.open(Playing(self.case.document, ""))
        while self.running:
            playing, node, visit = self.running.pop(self.rng.randrange(len(self.running)))
            targets = self.case.decide(f"{playing.prefix}/{node}#{visit}", node)
            self.follow(playing, playing.frame.finish(node, visit, targets))
        return self.visits

    def open(self, playing: Playing) -> None:
        self.follow(playing, playing.frame.begin(self.case.decide(f"{playing.prefix}/start", START)))

    def follow(self, playing: Playing, step: Step) -> None:
        assert step.failed is None
        for node, visit, _ in step.started:
            self.visits[node] += 1
            self.run_node(playing, node, visit)
        if step.done and playing.opener:
            self.close_item(*playing.opener)

    def run_node(self, playing: Playing, node: str, visit: int) -> None:
        config = cast(Mapping[str, Mapping[str, object]], playing.document["nodes"])[node]
        path = f"{playing.prefix}/{node}#{visit}"
        count = self.case.items(path) if config["kind"] == "map" else 0
        if not count:
            self.running.append((playing, node, visit))
        self.open_items[path] = count
        for index in range(count):
            self.open(Playing(cast(Mapping[str, object], config["graph"]), f"{path}[{index}]", (playing, node, visit)))

    def close_item(self, playing: Playing, node: str, visit: int) -> None:
        path = f"{playing.prefix}/{node}#{visit}"
        self.open_items[path] -= 1
        if not self.open_items[path]:
            self.running.append((playing, node, visit))


def play_at_random(document: Mapping[str, object], decisions: int, order: random.Random) -> tuple[Counter[str], Ending]:
    """Visits of a run whose decisions depend on node and visit alone, and how it stands after `MOST_STEPS` or at its end."""
    frame = NaiveFrame(document)
    step = frame.begin(random_targets(random.Random(f"{decisions}"), document, START))
    for _ in range(MOST_STEPS):
        if step.done:
            return frame.visits, "ended"
        if not frame.active:
            return frame.visits, "stuck"
        node, visit = order.choice(sorted(frame.active))
        step = frame.finish(node, visit, random_targets(random.Random(f"{decisions}/{node}#{visit}"), document, node))
    return frame.visits, "running"


def is_reducible(shape: Shape) -> bool:
    """Whether no loop can be entered but through its head."""
    return not any(shape.sources[node] - members for head, members in shape.loops.items() for node in members - {head})


def with_default_joins(document: Mapping[str, object]) -> dict[str, object]:
    return {**document, "nodes": {name: {"kind": "transform"} for name in cast(Mapping[str, object], document["nodes"])}}


@pytest.mark.parametrize("batch", BATCHES)
def test_a_structured_program_makes_the_visits_that_its_structure_means(batch: int) -> None:
    for number in range(batch * IN_A_BATCH, (batch + 1) * IN_A_BATCH):
        rng = random.Random(f"structured {number}")
        case = random_case(rng)
        assert StructuredRun(case, rng).play() == case.expected, f"structured {number}"


@pytest.mark.parametrize("batch", BATCHES)
def test_no_graph_gets_stuck(batch: int) -> None:
    for number in range(batch * IN_A_BATCH, (batch + 1) * IN_A_BATCH):
        _, ending = play_at_random(random_graph(random.Random(f"graph {number}")), number, random.Random(number))
        assert ending != "stuck", f"graph {number}"


@pytest.mark.parametrize("batch", BATCHES)
def test_visits_of_a_reducible_graph_with_default_joins_do_not_depend_on_who_is_quicker(batch: int) -> None:
    compared = 0
    for number in range(batch * IN_A_BATCH, (batch + 1) * IN_A_BATCH):
        document = with_default_joins(random_graph(random.Random(f"graph {number}")))
        if is_reducible(Shape(document)):
            (first, ending), (second, ending_too) = (play_at_random(document, number, random.Random(order)) for order in (1, 2))
            assert "stuck" not in (ending, ending_too), f"graph {number}"
            if ending == ending_too == "ended":
                compared += 1
                assert first == second, f"graph {number}"
    assert compared > IN_A_BATCH // 5
