"""What a row from outside does to a run that is parked there."""

from dataclasses import replace
from typing import Any

from domain.change import Change, Operation
from domain.graph.definition import Channel
from domain.ids import ActivationPath, Position
from domain.json import Json
from domain.run import events, fold, snapshot
from domain.run.edits import OUTSIDE
from tests.unit.domain.arrows import graph_of
from tests.unit.domain.story import SELF, Story, with_map

CHANNELS = {"x": Channel("x", {"type": "integer"}), "y": Channel("y", {})}


def told(*arrows: str, **given: Json) -> Story:
    return Story(replace(graph_of(list(arrows)), channels=CHANNELS), given=given)


def edit(path: str, new: Json, operation: Operation = Operation.UPDATE) -> events.StateEdited:
    return events.StateEdited((Change(operation, path, None, new),), "ann")


def parked(story: Story, path: str) -> Story:
    return story.row(events.NodeParked(ActivationPath(path), "signal", signals=("go",)))


def reads(story: Story, path: str) -> tuple[Any, Position]:
    activation = story.state.active[ActivationPath(path)]
    return dict(activation.state), activation.read_at


def test_the_root_frame_has_what_changed_in_its_own_channels() -> None:
    story = told("a -> b", x=1).row(edit("/x", 2)).row(edit("/stranger", 1, Operation.CREATE))

    assert story.state.root.state == {"x": 2}
    assert fold.edited({"z": 0}, story.state, edit("/stranger", 1, Operation.CREATE)) == {"z": 0, "x": 2, "stranger": 1}


def test_what_waits_to_be_started_reads_what_is_there_now() -> None:
    story = told("a -> b", x=1).row(events.PauseRequested("ann")).row(edit("/x", 2))

    assert reads(story, "/a#1") == ({"x": 2}, 3)


def test_what_is_parked_reads_it_when_it_is_woken() -> None:
    story = parked(told("a -> b", x=1), "/a#1").row(edit("/x", 2))
    assert reads(story, "/a#1") == ({"x": 1}, 1)

    story.row(events.SignalReceived("go"))
    assert reads(story, "/a#1") == ({"x": 2}, 4)


def test_a_call_that_was_announced_keeps_what_it_was_announced_with() -> None:
    story = told("a -> b", x=1).row(events.EffectIntended(ActivationPath("/a#1"), 0, "k", "pay", {}))
    story.row(events.EffectUnknown(ActivationPath("/a#1"), 0, "lost")).row(edit("/x", 2))

    assert reads(story, "/a#1") == ({"x": 1}, 1)


def test_an_edit_is_a_write_that_others_notice() -> None:
    story = parked(told("a -> c", "b -> c", x=1), "/a#1").row(edit("/x", 2))

    assert story.state.root.changed["x"] == (3, OUTSIDE)
    assert "y" not in story.state.root.changed


def test_child_frames_keep_their_own_state() -> None:
    graph = replace(with_map(["m -> b"], ["x -> y"]), channels=CHANNELS)
    story = Story(graph, given={"x": 1}).open("/m#1", 1).row(edit("/x", 2))

    assert reads(story, "/m#1[0]/x#1") == ({}, 2)
    assert story.state.root.state == {"x": 2}


def test_a_run_that_is_loaded_again_has_the_same() -> None:
    story = parked(told("a -> c", "b -> c", x=1), "/a#1").row(edit("/x", 2))
    state = story.state

    loaded = snapshot.load(snapshot.dump(state), story.graph, {SELF: story.graph})

    assert snapshot.dump(loaded) == snapshot.dump(state)
    assert loaded.root.changed == state.root.changed
    assert [dict(one.state) for one in loaded.activations()] == [dict(one.state) for one in state.activations()]


def test_a_channel_that_was_deleted_is_gone_from_the_run_and_from_the_thread() -> None:
    story = told("a -> b", x=1)
    deleted = edit("/x", None, Operation.DELETE)

    assert fold.edited({"x": 0, "z": 1}, story.state, deleted) == {"z": 1}
    assert story.row(deleted).state.root.state == {}
