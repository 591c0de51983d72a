"""When a node runs: docs/how-a-graph-runs.md, rule by rule."""

import pytest

from domain.graph.definition import Limits
from tests.unit.domain.arrows import oldest, planned, played

FORK = ["a -> b", "a -> c", "b -> d", "c -> d"]
THREE = ["a -> b", "a -> c", "a -> d", "b -> j", "c -> j", "d -> j"]
CHOICE = ["a -x> b", "a -y> c", "b -> j", "c -> j"]
LOOP_OF_TWO = ["h -in> x", "h -in> y", "x -> h", "y -> h", "h -out> e"]
LOOP_OF_THREE = ["h -in> x", "h -in> y", "h -in> z", "x -> j", "y -> j", "z -> j", "j -> h", "h -out> e"]
SIDE_ENTRY = ["start -> h", "start -> s", "h -> b", "s -> b", "b -again> h", "b -done> e"]
TWICE = ["a -> p", "a -> q", "p -> m", "q -> m", "m: any", "m -> n"]


@pytest.mark.parametrize(
    ("arrows", "happened", "expected"),
    [
        pytest.param(["a -> b"], [], {"a"}, id="a fresh run starts at the start"),
        pytest.param(["a -> b"], ["a"], {"b"}, id="a sequence runs straight through"),
        pytest.param(["a -> b"], ["a", "b"], {"done"}, id="a node without edges out ends its token"),
        pytest.param(["a -> end"], ["a"], {"done"}, id="end absorbs a token"),
        pytest.param(["a -yes> b"], ["a:"], {"dead_end"}, id="a run that took no edge before its end is a dead end"),
        pytest.param(["start -> a", "start -> b"], [], {"a", "b"}, id="start leads to several"),
        pytest.param(["start -x> a", "start -y> b"], [], set(), id="conditions of start are asked before anything runs"),
        pytest.param(["start -x> a", "start -y> b"], ["start:y"], {"b"}, id="start takes the edges whose condition holds"),
        pytest.param(["start -x> a", "start -y> b"], ["start:"], {"dead_end"}, id="start that leads nowhere is a dead end"),
        pytest.param(["a -x> b", "a -y> b"], ["a:x,y", "b"], {"done"}, id="an activation gives a target one token, whatever its edges"),
    ],
)
def test_sequences(arrows: list[str], happened: list[str], expected: set[str]) -> None:
    assert planned(arrows, happened) == expected


@pytest.mark.parametrize(
    ("arrows", "happened", "expected"),
    [
        pytest.param(FORK, ["a"], {"b", "c"}, id="branches run side by side"),
        pytest.param(FORK, ["a", "b"], {"c"}, id="a join waits for the branch in flight"),
        pytest.param(FORK, ["a", "b", "c"], {"d"}, id="a join runs once all have come"),
        pytest.param(FORK, ["a", "b", "c", "d"], {"done"}, id="a join consumes its tokens together"),
        pytest.param(["a -yes> b", "a -no> c", "b -> d", "c -> d"], ["a:yes", "b"], {"d"}, id="a branch not taken blocks nobody"),
        pytest.param([*FORK[:3], "c -ok> d"], ["a", "b", "c:"], {"d"}, id="a branch that ended early blocks nobody"),
        pytest.param([*FORK[:3], "c -> e", "e -> d"], ["a", "b", "c"], {"e"}, id="a join waits for what is far upstream"),
        pytest.param([*FORK[:3], "c -> e", "e -> d"], ["a", "b", "c", "e"], {"d"}, id="branches of any length meet"),
        pytest.param(["a -x> b", "a -y> c", "a -z> d", *THREE[3:]], ["a:x,z", "b"], {"d"}, id="a choice waits for what was chosen"),
        pytest.param(["a -x> b", "a -y> c", "a -z> d", *THREE[3:]], ["a:x,z", "b", "d"], {"j"}, id="and for nothing else"),
        pytest.param([*FORK, "c -> s"], ["a", "b", "c"], {"d", "s"}, id="a side chain delays no join"),
        pytest.param([*FORK, "c -> s"], ["a", "b", "c", "d"], {"s"}, id="a run is not done before its side chains"),
        pytest.param([*FORK, "d: all"], ["a", "b"], {"c"}, id="all is what a join is by default"),
    ],
)
def test_joins(arrows: list[str], happened: list[str], expected: set[str]) -> None:
    assert planned(arrows, happened) == expected


@pytest.mark.parametrize(
    ("arrows", "happened", "expected"),
    [
        pytest.param(["a -> b", "b -again> a", "b -done> c"], ["a", "b:again"], {"a"}, id="a loop comes round"),
        pytest.param(["a -> b", "b -again> a", "b -done> c"], ["a", "b:again", "a", "b:done"], {"c"}, id="repeat ends"),
        pytest.param(["h -in> b", "b -> h", "h -out> c"], ["h:in", "b"], {"h"}, id="while tests again after its body"),
        pytest.param(["h -in> b", "b -> h", "h -out> c"], ["h:out"], {"c"}, id="while may not run its body at all"),
        pytest.param(["a -again> a", "a -done> b"], ["a:again"], {"a"}, id="a node may lead to itself"),
        pytest.param(["a -again> a", "a -done> b"], ["a:again", "a:done"], {"b"}, id="and leave again"),
        pytest.param(
            ["a -> b", "a -> c", "b -> d", "c -again> c", "c -done> d"],
            ["a", "b", "c:again"],
            {"c"},
            id="a loop in a fork holds its join",
        ),
        pytest.param(
            ["a -> b", "a -> c", "b -> d", "c -again> c", "c -done> d"], ["a", "b", "c:again", "c:done"], {"d"}, id="until the loop is left"
        ),
        pytest.param(LOOP_OF_TWO, ["h:in", "x"], {"y"}, id="a head waits until its body is idle"),
        pytest.param(LOOP_OF_TWO, ["h:in", "x", "y"], {"h"}, id="then it starts once"),
        pytest.param(LOOP_OF_TWO, ["h:in", "x", "y", "h:out"], {"e"}, id="with all the tokens of its body"),
        pytest.param(
            ["h -> x", "h -> y", "x -> x2", "y -> y2", "x2 -> h", "y2 -> h"],
            ["h", "x"],
            {"x2", "y"},
            id="parallel chains inside a loop do not wait for each other",
        ),
        pytest.param(
            ["h -in> y", "h -in> z", "y -> h", "y -> m", "z -> m", "m -> h", "h -out> e"],
            ["h:in", "y", "z"],
            {"m"},
            id="a body does not wait for its head",
        ),
        pytest.param(SIDE_ENTRY, [], {"s"}, id="a head waits for what leads into its loop from the side"),
        pytest.param(SIDE_ENTRY, ["s"], {"h"}, id="a token that entered from the side waits for the head"),
        pytest.param(SIDE_ENTRY, ["s", "h"], {"b"}, id="and is consumed in the head's first round"),
        pytest.param([*LOOP_OF_TWO, "x -> l", "y -> l"], ["h:in", "x", "y"], {"h"}, id="a log beside a loop waits for it"),
        pytest.param([*LOOP_OF_TWO, "x -> l", "y -> l"], ["h:in", "x", "y", "h:out"], {"e", "l"}, id="and runs once, after the loop"),
        pytest.param([*LOOP_OF_TWO, "x -> l", "y -> l", "l: any"], ["h:in", "x"], {"y", "l"}, id="unless it says any"),
    ],
)
def test_loops(arrows: list[str], happened: list[str], expected: set[str]) -> None:
    assert planned(arrows, happened) == expected


def test_of_nodes_that_wait_for_each_other_the_one_discovered_first_goes() -> None:
    crossing = ["start -> a", "start -> c", "a -x> c", "a -> a", "a -> b", "b -> a", "c -> b"]

    assert planned(crossing, ["a"]) == {"a"}


@pytest.mark.parametrize(
    ("arrows", "happened", "expected"),
    [
        pytest.param([*FORK, "d: any"], ["a", "b"], {"c", "d"}, id="any runs for the first token"),
        pytest.param([*FORK, "d: any"], ["a", "b", "d", "c"], {"d"}, id="and again for the next"),
        pytest.param([*FORK, "d: any"], ["a", "b", "c"], {"d"}, id="one at a time"),
        pytest.param([*FORK, "d: any concurrency 2"], ["a", "b", "c"], {"d*2"}, id="or as many as its concurrency says"),
        pytest.param(TWICE, ["a", "p", "q", "m", "m"], {"n"}, id="a single source's tokens are taken one by one"),
        pytest.param(TWICE, ["a", "p", "q", "m", "m", "n"], {"n"}, id="each of them once"),
        pytest.param([*TWICE, "n: concurrency 2"], ["a", "p", "q", "m", "m"], {"n*2"}, id="side by side with concurrency"),
        pytest.param([*FORK, "d: terminate"], ["a", "b"], {"c", "d"}, id="terminate is any by default"),
        pytest.param([*FORK, "d: terminate"], ["a", "b", "d"], {"done"}, id="terminate ends the frame with what still runs in it"),
    ],
)
def test_any(arrows: list[str], happened: list[str], expected: set[str]) -> None:
    assert planned(arrows, happened) == expected


@pytest.mark.parametrize(
    ("arrows", "happened", "expected"),
    [
        pytest.param([*THREE, "j: count 2"], ["a", "b"], {"c", "d"}, id="count waits for so many"),
        pytest.param([*THREE, "j: count 2"], ["a", "b", "c"], {"d", "j"}, id="count runs with so many"),
        pytest.param([*THREE, "j: count 2"], ["a", "b", "c", "d", "j"], {"done"}, id="a spent count absorbs what comes late"),
        pytest.param([*THREE, "j: count 2"], ["a", "b", "c", "j"], {"d"}, id="what comes late still runs"),
        pytest.param([*TWICE, "n: count 2"], ["a", "p", "q", "m"], {"m"}, id="one token of a source is not two"),
        pytest.param([*TWICE, "n: count 2"], ["a", "p", "q", "m", "m"], {"n"}, id="a source may count more than once"),
        pytest.param(
            [*THREE, "j: count 1", "j -> k", "a -> k"], ["a", "b", "j"], {"c", "d", "k"}, id="nobody waits for a path through a spent node"
        ),
        pytest.param([*LOOP_OF_THREE, "j: count 2"], ["h:in", "x", "y"], {"z", "j"}, id="count in a loop"),
        pytest.param([*LOOP_OF_THREE, "j: count 2"], ["h:in", "x", "y", "j"], {"z"}, id="a head waits through the spent nodes of its loop"),
        pytest.param([*LOOP_OF_THREE, "j: count 2"], ["h:in", "x", "y", "j", "z"], {"h"}, id="then it starts"),
        pytest.param(
            [*LOOP_OF_THREE, "j: count 2"],
            ["h:in", "x", "y", "j", "z", "h:in", "x", "y"],
            {"z", "j"},
            id="and with it the next round of its counts",
        ),
        pytest.param(
            ["a -> p", "a -> q", "p -> m", "q -> m", "m: any", "m -> j", "j: count 1"],
            ["a", "p", "m", "j", "q", "m"],
            {"done"},
            id="a round lasts while something is under way to the count",
        ),
        pytest.param([*CHOICE, "j: count 2"], ["a:x", "b"], {"join_starved"}, id="a count that can get no more is starved"),
        pytest.param([*CHOICE, "j: count 2 run"], ["a:x", "b"], {"j"}, id="and runs with what it has when told so"),
        pytest.param([*CHOICE, "j: count 2 drop"], ["a:x", "b"], {"dead_end"}, id="or drops it"),
        pytest.param([*CHOICE, "a -> s", "j: count 2 drop"], ["a:x", "b", "s"], {"done"}, id="no failure when the end was reached"),
        pytest.param([*CHOICE, "a -> s", "j: count 2"], ["a:x", "b"], {"join_starved"}, id="what runs elsewhere cannot feed it"),
        pytest.param([*FORK, "d: count 1 cancel_rest"], ["a", "b"], {"d"}, id="cancel_rest withdraws what it no longer waits for"),
        pytest.param([*FORK, "a -> s", "d: count 1 cancel_rest"], ["a", "b"], {"d", "s"}, id="and nothing else"),
        pytest.param(
            ["a -> b", "a -> c", "a -> d", "c -> k", "d -> k", "k -> j", "b -> j", "j: count 1 cancel_rest"],
            ["a", "c", "b"],
            {"j"},
            id="held tokens are withdrawn too",
        ),
        pytest.param(
            ["a -> b", "a -> c", "b -> j", "c -> j", "c -> x", "j: count 1 cancel_rest"],
            ["a", "b", "j"],
            {"done"},
            id="also those of branches that lead elsewhere",
        ),
    ],
)
def test_count(arrows: list[str], happened: list[str], expected: set[str]) -> None:
    assert planned(arrows, happened) == expected


KEPT = ["a -> p", "a -> q", "a -> c", "p -> b", "q -> b", "b: any", "b -> j", "c -> j", "j: from b c", "j -> e"]
LOOP_FROM = ["h -in> b", "h -in> c", "b -> j", "c -> j", "j -> h", "h -out> e", "j: from b c"]


@pytest.mark.parametrize(
    ("arrows", "happened", "expected"),
    [
        pytest.param([*FORK, "d: from b c"], ["a", "b"], {"c"}, id="from waits for each named source"),
        pytest.param([*FORK, "d: from b c"], ["a", "b", "c"], {"d"}, id="from runs when each has sent one"),
        pytest.param(KEPT, ["a", "p", "q", "b", "b"], {"c"}, id="two of one source do not make up for another"),
        pytest.param(KEPT, ["a", "p", "q", "b", "b", "c"], {"j"}, id="the oldest of each is taken"),
        pytest.param(KEPT, ["a", "p", "q", "b", "b", "c", "j"], {"e"}, id="the rest is kept"),
        pytest.param(KEPT, ["a", "p", "q", "b", "b", "c", "j", "e"], {"done"}, id="and ends silently with the frame"),
        pytest.param(LOOP_FROM, ["h:in", "b", "c", "j", "h:in", "b"], {"c"}, id="from in a loop waits anew each round"),
        pytest.param(LOOP_FROM, ["h:in", "b", "c", "j", "h:in", "b", "c"], {"j"}, id="and is satisfied round by round"),
        pytest.param([*CHOICE, "j: from b c"], ["a:x", "b"], {"join_starved"}, id="from without one of its sources is starved"),
        pytest.param([*CHOICE, "j: from b c run"], ["a:x", "b"], {"j"}, id="and runs when told so"),
        pytest.param([*CHOICE, "j: from b c drop"], ["a:x", "b"], {"dead_end"}, id="or drops what it has"),
        pytest.param(
            [*CHOICE, "j: count 2", "j -> k", "a -> k", "k: from a j"],
            ["a:x", "b"],
            {"join_starved"},
            id="the first starved node fails",
        ),
        pytest.param(
            [*CHOICE, "j: count 2 run", "j -> k", "a -> k", "k: from a j"],
            ["a:x", "b"],
            {"j"},
            id="who feeds a starved node goes first",
        ),
    ],
)
def test_from(arrows: list[str], happened: list[str], expected: set[str]) -> None:
    assert planned(arrows, happened) == expected


@pytest.mark.parametrize(
    ("arrows", "happened", "expected"),
    [
        pytest.param(["a -> b", "a -!> r"], ["a!"], {"r"}, id="a failure takes its error edge alone"),
        pytest.param(["a -> b", "a -!> r"], ["a"], {"b"}, id="which is not taken otherwise"),
        pytest.param(["a -> b"], ["a!"], {"boom"}, id="a failure that nobody catches fails the frame"),
        pytest.param(FORK, ["a", "b!"], {"boom"}, id="and its siblings end with it"),
        pytest.param(["a -!> r"], ["a"], {"done"}, id="a node with error edges alone counts as one without edges out"),
        pytest.param(["a -> b", "a -> c", "b -!> r", "c -> r"], ["a", "b!"], {"c"}, id="a handler waits as any join does"),
        pytest.param(["a -> b", "a -> c", "b -!> r", "c -> r", "r: any"], ["a", "b!"], {"c", "r"}, id="unless it says any"),
    ],
)
def test_errors(arrows: list[str], happened: list[str], expected: set[str]) -> None:
    assert planned(arrows, happened) == expected


def test_an_error_edge_carries_what_went_wrong_in_the_order_it_did() -> None:
    state = played(["a -> b", "a -> c", "a -> d", "b -!> r", "c -!> r", "d -> r"], ["a", "c!", "d", "b!"])

    handler = oldest(state, "r")

    assert [(failure.code, failure.node) for failure in handler.errors] == [("boom", "c"), ("boom", "b")]
    assert handler.positions == (3, 4, 5)


def test_withdrawn_activations_are_named_for_the_engine_to_stop() -> None:
    state = played([*FORK, "d: count 1 cancel_rest"], ["a", "b"])

    assert [activation.path for activation in state.withdrawn] == ["/c#1"]


def test_starvation_says_what_came_and_what_is_missing() -> None:
    failure = played([*CHOICE, "j: from b c"], ["a:x", "b"]).root.failure

    assert failure is not None
    assert (failure.node, failure.message) == ("j", "j got b and waits for c, but nothing under way can bring it")


def test_a_starved_count_says_how_many_are_missing() -> None:
    failure = played([*CHOICE, "j: count 3"], ["a:x", "b"]).root.failure

    assert failure is not None
    assert failure.message == "j got b and waits for 2 more, but nothing under way can bring it"


@pytest.mark.parametrize(
    ("limits", "happened", "code", "node"),
    [
        pytest.param(Limits(steps=3), ["a", "b:again", "a"], "limit_steps", "b", id="steps of the run"),
        pytest.param(Limits(visits=2), ["a", "b:again", "a", "b:again"], "limit_visits", "a", id="visits of one node"),
    ],
)
def test_a_loop_without_end_meets_its_limit(limits: Limits, happened: list[str], code: str, node: str) -> None:
    state = played(["a -> b", "b -again> a", "b -done> c"], happened, limits)

    assert state.root.failure is not None
    assert (state.root.failure.code, state.root.failure.node) == (code, node)
    assert state.active == {}
