"""Runs that move to another version of their graph."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import Failure
from domain.graph.compiled import CompiledGraph, compile_graph
from domain.graph.definition import Channel, Graph, Join, Node
from domain.ids import ActivationPath, ContentHash, NodeId, Position
from domain.run import events, fold, snapshot
from domain.run.fitting import misfits
from domain.run.migrating import translations
from domain.run.state import RunState
from tests.unit.domain.arrows import graph_of
from tests.unit.domain.story import SELF, Story, mapped, with_map
from tests.unit.domain.test_fold_properties import MAKERS, SEEDS, Maker, begun

NEW = ContentHash("new")


def migrated(run: RunState, new: CompiledGraph, at: int, to: ContentHash = NEW, **how: Any) -> RunState:
    run.graphs = {**run.graphs, to: new}
    return fold.apply(run, events.RunMigrated(to, "w@2.0.0", "Ada", **how), Position(at))


def found(run: RunState, new: CompiledGraph, **nodes: str) -> list[str]:
    """The codes of what does not fit."""
    return [one.code for one in misfits(run, translations(run.root.graph, new, nodes), [NEW])]


def image(run: RunState) -> Any:
    """All that matters for what happens next, but for the version itself."""
    plain = json.loads(json.dumps(snapshot.dump(run)))
    del plain["renamed"], plain["started"]
    for frame in _frames(plain["root"]):
        for name in ("tokens", "visits"):
            frame[name] = sorted(frame[name])
    return plain


def _frames(frame: Any) -> Iterator[Any]:
    yield frame
    for activation in frame["running"]:
        if activation["children"] is not None:
            activation["children"]["opened"].pop("graph")
            for _, child in activation["children"]["live"]:
                yield from _frames(child)


@pytest.mark.parametrize("make", MAKERS)
def test_a_run_that_moves_to_the_same_graph_goes_on_as_if_nothing_had_been(make: Maker) -> None:
    moved = 0
    for seed in SEEDS:
        rows, graph = make(seed)
        again = compile_graph(graph.graph)
        for upto in range(1, len(rows), 3):
            stays, moves = _folded(rows[:upto], graph), _folded(rows[:upto], graph)
            if found(moves, again):
                continue
            migrated(moves, again, upto)
            moved += 1
            for at in range(upto, len(rows)):
                fold.apply(stays, rows[at], Position(at + 1))
                fold.apply(moves, rows[at], Position(at + 1))
            assert image(moves) == image(stays), (seed, upto)
    assert moved > 100


@pytest.mark.parametrize("make", MAKERS)
def test_there_and_back_to_other_names_and_another_order_changes_nothing(make: Maker) -> None:
    for seed in SEEDS:
        rows, graph = make(seed)
        other, names = compile_graph(_mirrored(graph.graph)), dict(_names(graph.graph))
        for upto in range(1, len(rows), 3):
            run = _folded(rows[:upto], graph)
            if found(run, other, **names):
                continue
            before = image(run)
            migrated(run, other, upto, nodes=names)
            loaded = snapshot.load(json.loads(json.dumps(snapshot.dump(run))), other, {NEW: other})
            assert image(loaded) == image(run), (seed, upto)
            back = {f"{_renamed(old)}": old.rpartition("/")[2] for old in names}
            migrated(run, graph, upto, SELF, nodes=back)
            assert image(run) == before, (seed, upto)


def _folded(rows: list[events.Event], graph: CompiledGraph) -> RunState:
    state = begun(rows, graph)
    for at, event in enumerate(rows[1:], 2):
        fold.apply(state, event, Position(at))
    return fold.resume(state)


def _renamed(path: str) -> str:
    return "/".join(name if name in ("start", "end") else f"{name}_v2" for name in path.split("/"))


def _names(graph: Graph, above: str = "") -> Iterator[tuple[str, str]]:
    for name, node in graph.nodes.items():
        yield f"{above}{name}", _renamed(name)
        if node.graph is not None:
            yield from _names(node.graph, f"{above}{name}/")


def _mirrored(graph: Graph) -> Graph:
    """The same under other names, the last node first."""
    to: Callable[[str | None], Any] = lambda name: None if name is None else NodeId(_renamed(name))  # noqa: E731
    nodes = {to(name): _mirrored_node(node, to) for name, node in reversed(list(graph.nodes.items()))}
    edges = tuple(
        replace(
            edge,
            source=to(edge.source),
            target=to(edge.target),
            targets=tuple(map(to, edge.targets)),
            otherwise=to(edge.otherwise),
            routes=tuple(replace(route, target=to(route.target)) for route in edge.routes),
        )
        for edge in graph.edges
    )
    return replace(graph, nodes=nodes, edges=edges)


def _mirrored_node(node: Node, to: Callable[[str | None], Any]) -> Node:
    join = node.join and Join(
        **{**{name: getattr(node.join, name) for name in Join.__slots__}, "sources": tuple(map(to, node.join.sources))}
    )
    inner = None if node.graph is None else _mirrored(node.graph)
    return replace(node, id=to(node.id), join=join, graph=inner, compensate=to(node.compensate))


# What moves, case by case.


def version(*arrows: str, **channels: Channel) -> CompiledGraph:
    return compile_graph(replace(graph_of(list(arrows)), channels={**channels}))


def at_b(*arrows: str) -> Story:
    return Story(graph_of(list(arrows or ("a -> b", "b -> c")))).finish("/a#1")


def test_a_renamed_node_goes_on_under_its_new_name() -> None:
    story = at_b()
    migrated(story.state, version("a -> ask", "ask -> log", "log -> c"), 3, nodes={"b": "ask"})
    story.rows.append(events.RunMigrated(NEW, "", ""))

    assert (story.running, story.state.started.workflow) == ({"/ask#1"}, NEW)
    assert story.state.named("/b#1") is story.state.named("/ask#1") is not None
    assert story.finish("/ask#1").finish("/log#1").running == {"/c#1"}


def test_what_nothing_holds_up_any_more_starts_at_once() -> None:
    story = Story(graph_of(["start -> a", "start -> b", "a -> m", "b -> m"])).finish("/a#1")
    assert story.running == {"/b#1"}

    migrated(story.state, version("start -> a", "start -> b", "a -> m"), 3)

    assert story.running == {"/b#1", "/m#1"}
    assert [one.path for one in story.state.ready][-1:] == ["/m#1"]


def test_new_channels_start_from_what_the_row_says_and_old_ones_stay() -> None:
    story = Story(replace(graph_of(["a -> b"]), channels={"x": Channel("x", {})}), given={"x": 1})
    migrated(story.state, version("a -> b", y=Channel("y", {}, default=5, has_default=True)), 2, channels={"y": 7})

    assert story.state.root.state == {"x": 1, "y": 7}
    assert story.state.active[ActivationPath("/a#1")].state == {"x": 1, "y": 7}


def test_frames_of_a_map_move_with_it() -> None:
    story = mapped(2, ["x -> y"]).finish("/m#1[0]/x#1")
    new = compile_graph(_renamed_map())
    migrated(story.state, new, 5, nodes={"m": "each", "m/x": "first"})

    assert story.running == {"/each#1[0]/y#1", "/each#1[1]/first#1"}
    assert set(story.state.frames) == {"", "/each#1[0]", "/each#1[1]"}
    story.rows.append(events.RunMigrated(NEW, "", ""))
    story.finish("/each#1[0]/y#1").end("/each#1[0]").finish("/each#1[1]/first#1").finish("/each#1[1]/y#1").end("/each#1[1]")
    assert [one.path for one in story.state.gathered] == ["/each#1"]


def _renamed_map() -> Graph:
    graph = graph_of(["each -> b"])
    inner = replace(graph.nodes[NodeId("each")], kind="map", graph=graph_of(["first -> y"]))
    return replace(graph, nodes={**graph.nodes, NodeId("each"): inner})


def test_a_run_that_calls_itself_calls_the_new_version() -> None:
    story = _calling("self").open("/m#1", 1, SELF)
    new = compile_graph(_calling_graph("self"))
    migrated(story.state, new, 3)

    children = story.children().children
    assert children is not None
    assert (children.graph, children.opened.graph, story.state.root.graph) == (new, NEW, new)
    assert all(frame.graph is new for frame in story.state.frames.values())


def _calling_graph(name: str) -> Graph:
    graph = graph_of(["m -> b"])
    return replace(graph, nodes={**graph.nodes, NodeId("m"): replace(graph.nodes[NodeId("m")], kind="workflow", config={"workflow": name})})


def _calling(name: str) -> Story:
    return Story(_calling_graph(name))


def test_visits_are_counted_on_under_a_name_that_another_node_has_now() -> None:
    story = at_b("a -> b", "b -> c")
    migrated(story.state, version("b -> x", "x -> b"), 3, nodes={"b": "x"})
    story.rows.append(events.RunMigrated(NEW, "", ""))

    assert story.finish("/x#1").running == {"/b#2"}


def test_breakpoints_follow_their_nodes() -> None:
    story = at_b().row(events.PauseRequested("breakpoint", "", ActivationPath("/b#1")))
    story.state.started = replace(story.state.started, pause_before=("b", "c"))
    migrated(story.state, version("a -> ask", "ask -> c"), 4, nodes={"b": "ask"})

    assert story.state.started.pause_before == ("ask", "c")
    assert (story.state.stopped, story.state.stopped_at) == ({"/ask#1"}, "/ask#1")


def test_what_is_to_be_undone_later_is_undone_by_the_node_that_says_so_now() -> None:
    story = Story(_with_undo("a -> b", "b -> c", "u -> end", a="u")).finish("/a#1")
    migrated(story.state, compile_graph(_with_undo("pay -> b", "b -> c", "back -> end", pay="back")), 3, nodes={"a": "pay", "u": "back"})
    story.rows.append(events.RunMigrated(NEW, "", ""))
    story.row(events.NodeFailed(ActivationPath("/b#1"), Failure("boom", "it broke", "b")))

    assert story.running == {"/back#1"}


def _with_undo(*arrows: str, **undone_by: str) -> Graph:
    graph = graph_of(list(arrows))
    nodes = {name: replace(node, compensate=NodeId(undone_by[name])) if name in undone_by else node for name, node in graph.nodes.items()}
    return replace(graph, nodes=nodes)


# What does not fit.


def _spent() -> Story:
    return Story(graph_of(["start -> a", "start -> b", "a -> m", "b -> m", "m -> c", "m: count 1"])).finish("/a#1").finish("/m#1")


def _intent(story: Story) -> Story:
    return story.row(events.EffectIntended(ActivationPath("/b#1"), 0, "k", "pay", {}))


def _tried(story: Story) -> Story:
    return story.row(events.AttemptFailed(ActivationPath("/b#1"), Failure("boom", "it broke", "b"), 9.0))


TWO = ("start -> a", "start -> b", "a -> m", "b -> m")
CASES: Mapping[str, tuple[Story, CompiledGraph, dict[str, str], list[str]]] = {
    "a node under way that is gone": (at_b(), version("a -> c"), {}, ["node_gone"]),
    "the same node, mapped": (at_b(), version("a -> c"), {"b": "c"}, []),
    "a node that ran and is gone": (at_b(), version("b -> c"), {}, []),
    "a node that holds tokens and is gone": (
        Story(graph_of(list(TWO))).finish("/a#1"),
        version("start -> a", "start -> b"),
        {},
        ["node_gone"],
    ),
    "the source of a token that is held": (Story(graph_of(list(TWO))).finish("/a#1"), version("b -> m"), {}, ["node_gone"]),
    "a node of a round that is not over": (_spent(), version("start -> a", "a -> b", "b -> c"), {}, ["node_gone"]),
    "a node that does something else now": (at_b(), version("a -> b", "b: terminate"), {}, ["kind_changed"]),
    "a call that may happen only once": (_intent(at_b()), version("a -> b"), {}, ["open_call"]),
    "a node that is tried again, by its name": (_tried(at_b()), version("a -> b"), {}, []),
    "a node that is tried again, renamed": (_tried(at_b()), version("a -> x"), {"b": "x"}, ["retrying"]),
    "an inner graph that is gone": (mapped(1), version("m -> b"), {}, ["kind_changed", "inner_graph_gone"]),
    "a node of an inner graph that is gone": (mapped(1), compile_graph(with_map(["m -> b"], ["z -> y"])), {}, ["node_gone"]),
    "a workflow that is called in another version": (
        _calling("v").open("/m#1", 1, SELF),
        compile_graph(_calling_graph("v")),
        {},
        ["child_workflow"],
    ),
    "what could not be undone": (
        Story(_with_undo("a -> b", "u -> end", a="u")).finish("/a#1"),
        version("a -> b"),
        {},
        ["undo_gone"],
    ),
    "a run that is cancelled": (at_b().row(events.CancelRequested("Ada")), version("a -> b"), {}, ["ending"]),
}


@pytest.mark.parametrize(("story", "new", "nodes", "codes"), CASES.values(), ids=CASES.keys())
def test_what_fits(story: Story, new: CompiledGraph, nodes: dict[str, str], codes: list[str]) -> None:
    assert found(story.state, new, **nodes) == codes
