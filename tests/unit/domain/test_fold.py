"""How rows move a run: frames, limits, cancellation."""

import json
from dataclasses import replace

import pytest

from domain.errors import Failure
from domain.graph.compiled import compile_graph
from domain.graph.definition import Channel, Limits, Merge
from domain.ids import ActivationPath, FramePath, NodeId, Position, RunId
from domain.run import events, fold, snapshot
from domain.usage import Usage
from tests.unit.domain.arrows import graph_of
from tests.unit.domain.story import SELF, Story, mapped, with_map

BOOM = Failure("boom", "it broke", "x")
NUMBERS = {"n": Channel("n", {"type": "integer"}), "log": Channel("log", {"type": "array"}, Merge.APPEND, [], has_default=True)}


class TestFrames:
    def test_a_map_opens_a_frame_per_item(self) -> None:
        story = mapped(3)

        assert story.running == {"/m#1[0]/x#1", "/m#1[1]/x#1", "/m#1[2]/x#1"}
        assert story.state.frames[FramePath("/m#1[2]")].input == {"i": 2}

    def test_at_most_so_many_at_once(self) -> None:
        story = mapped(3, concurrency=2)

        assert story.running == {"/m#1[0]/x#1", "/m#1[1]/x#1"}

    def test_the_next_opens_when_one_has_ended(self) -> None:
        story = mapped(3, ["x -> end"], concurrency=2).finish("/m#1[1]/x#1")

        assert story.ended == ["/m#1[1]"]
        assert story.end("/m#1[1]").running == {"/m#1[0]/x#1", "/m#1[2]/x#1"}

    def test_results_stand_in_item_order_whatever_order_they_finished_in(self) -> None:
        story = mapped(3, ["x -> end"])
        for item in (2, 0, 1):
            story.finish(f"/m#1[{item}]/x#1").end(f"/m#1[{item}]", f"of {item}")

        children = story.state.gathered[0].children
        assert children is not None
        assert children.outputs() == ["of 0", "of 1", "of 2"]

    def test_a_map_over_nothing_is_done_at_once(self) -> None:
        story = mapped(0)

        assert [one.path for one in story.state.gathered] == ["/m#1"]

    def test_the_map_goes_on_when_its_frames_are_gathered(self) -> None:
        story = mapped(1, ["x -> end"]).finish("/m#1[0]/x#1").end("/m#1[0]").finish("/m#1")

        assert story.running == {"/b#1"}
        assert list(story.state.frames) == [""]

    def test_the_first_failure_ends_a_map_and_what_runs_beside_it(self) -> None:
        story = mapped(3, concurrency=2).row(events.NodeFailed(ActivationPath("/m#1[1]/x#1"), BOOM)).end("/m#1[1]", failure=BOOM)

        assert story.running == set()
        assert [one.path for one in story.state.withdrawn] == ["/m#1[0]/x#1"]
        assert story.state.gathered[0].children is not None
        assert story.state.gathered[0].children.failure == BOOM

    def test_collected_failures_are_results(self) -> None:
        story = mapped(2, ["x -> end"], collect_errors=True).end("/m#1[0]", failure=BOOM)
        story.finish("/m#1[1]/x#1").end("/m#1[1]", 7)

        children = story.state.gathered[0].children
        assert children is not None
        assert children.outputs() == [{"error": {"code": "boom", "message": "it broke", "node": "x", "attempt": 1}}, 7]

    def test_enough_withdraws_the_rest(self) -> None:
        story = mapped(3, ["x -> end"], enough=1).finish("/m#1[2]/x#1").end("/m#1[2]", "won")

        children = story.state.gathered[0].children
        assert children is not None
        assert children.outputs() == ["won"]
        assert {one.path for one in story.state.withdrawn} == {"/m#1[0]/x#1", "/m#1[1]/x#1"}

    def test_enough_of_more_than_there_are_is_all(self) -> None:
        story = mapped(1, ["x -> end"], enough=5).finish("/m#1[0]/x#1").end("/m#1[0]", 1)

        assert len(story.state.gathered) == 1

    def test_a_child_writes_no_channel_of_its_parent(self) -> None:
        inner = replace(graph_of(["x -> end"]), channels=NUMBERS)
        graph = with_map(["m -> b"], ["x -> end"])
        nodes = {**graph.nodes, NodeId("m"): replace(graph.nodes[NodeId("m")], graph=inner)}
        story = Story(replace(graph, nodes=nodes, channels=NUMBERS), given={"n": 1}).open("/m#1", 1).finish("/m#1[0]/x#1", n=9)

        assert story.state.root.state == {"n": 1, "log": []}
        assert story.state.frames[FramePath("/m#1[0]")].state == {"n": 9, "log": []}

    def test_a_workflow_may_run_itself(self) -> None:
        story = Story(graph_of(["w -> a"])).open("/w#1", 1, SELF, is_map=False).open("/w#1[0]/w#1", 1, SELF, is_map=False)

        assert story.running == {"/w#1[0]/w#1[0]/w#1"}
        assert story.state.frames[FramePath("/w#1[0]/w#1[0]")].depth == 2

    def test_terminate_ends_its_own_frame_alone(self) -> None:
        story = mapped(2, ["x -> y", "x -> t", "t: terminate"]).finish("/m#1[0]/x#1")
        story.row(events.Terminated(ActivationPath("/m#1[0]/t#1"), completed=True, output=5))

        assert (story.ended, story.state.frames[FramePath("/m#1[0]")].output) == (["/m#1[0]"], 5)
        assert story.running == {"/m#1[1]/x#1"}

    def test_terminate_can_fail_its_frame(self) -> None:
        story = Story(graph_of(["a -> t", "t: terminate"])).finish("/a#1")
        story.row(events.Terminated(ActivationPath("/t#1"), completed=False, output={"why": "so"}))

        assert story.state.root.failure is not None
        assert (story.state.root.failure.code, story.state.root.output) == ("terminated", {"why": "so"})

    def test_a_failure_inside_ends_the_frame_and_names_the_node(self) -> None:
        story = mapped(1)
        story.row(events.NodeFailed(ActivationPath("/m#1[0]/x#1"), BOOM))

        assert story.ended == ["/m#1[0]"]
        assert story.state.frames[FramePath("/m#1[0]")].failure == BOOM

    def test_another_attempt_of_a_map_starts_from_no_frame(self) -> None:
        story = mapped(2).row(events.AttemptFailed(ActivationPath("/m#1"), BOOM, 5.0))

        assert (story.running, list(story.state.frames)) == ({"/m#1"}, [""])
        assert story.children().attempt == 2
        assert story.open("/m#1", 1).running == {"/m#1[0]/x#1"}


class TestLimits:
    def test_steps_count_over_all_frames(self) -> None:
        story = mapped(5, limits=Limits(steps=3))

        assert story.state.failure is not None
        assert story.state.failure.code == "limit_steps"
        assert story.state.active == {}

    def test_a_map_that_meets_a_limit_opens_nothing_more(self) -> None:
        story = mapped(5, limits=Limits(steps=3))

        assert list(story.state.frames) == [""]

    def test_visits_count_in_each_frame_by_itself(self) -> None:
        story = mapped(2, ["x -> x", "x -stop> end"], limits=Limits(visits=2)).finish("/m#1[0]/x#1").finish("/m#1[0]/x#2")

        assert story.ended == ["/m#1[0]"]
        assert story.running == {"/m#1[1]/x#1"}


class TestState:
    def test_channels_start_from_the_thread_and_the_input_replaces_them(self) -> None:
        graph = compile_graph(replace(graph_of(["a -> b"]), channels={**NUMBERS, "m": Channel("m")}))
        started = events.RunStarted(RunId("r"), SELF, {"n": 3, "other": 1}, 0.0)

        state = fold.begin(started, Position(1), graph, {}, {"n": 1, "m": 2, "unknown": 5})

        assert state.root.state == {"n": 3, "log": [], "m": 2}
        assert fold.carried({"n": 1, "unknown": 5}, state) == {"n": 3, "log": [], "m": 2, "unknown": 5}

    def test_an_activation_keeps_the_state_it_read(self) -> None:
        story = Story(replace(graph_of(["a -> b", "a -> c"]), channels=NUMBERS)).finish("/a#1", n=1).finish("/b#1", n=2)

        assert (story.state.active[ActivationPath("/c#1")].state["n"], story.state.root.state["n"]) == (1, 2)

    def test_only_a_concurrent_write_reads_anew_when_it_is_tried_again(self) -> None:
        story = Story(replace(graph_of(["a -> b", "a -> c"]), channels=NUMBERS)).finish("/a#1", n=1).finish("/b#1", n=2)
        activation = story.state.active[ActivationPath("/c#1")]

        story.row(events.AttemptFailed(activation.path, Failure("timeout", "slow", "c"), 5.0))
        assert (activation.state["n"], activation.read_at) == (1, 2)
        story.row(events.AttemptFailed(activation.path, Failure("concurrent_write", "raced", "c", 2), 6.0))
        assert (activation.state["n"], activation.read_at, activation.attempt) == (2, 5, 3)

    def test_each_write_marks_its_channel(self) -> None:
        story = Story(replace(graph_of(["a -> b"]), channels=NUMBERS)).finish("/a#1", log="x")

        assert story.state.root.changed == {"log": (2, "a")}


class TestEnds:
    def test_a_cancel_withdraws_everything_in_every_frame(self) -> None:
        story = mapped(2).row(events.CancelRequested("me"))

        assert (story.state.active, story.state.is_cancelling) == ({}, True)
        assert {one.path for one in story.state.withdrawn} == {"/m#1", "/m#1[0]/x#1", "/m#1[1]/x#1"}

    def test_the_last_row_withdraws_what_is_left(self) -> None:
        story = mapped(2).row(events.RunEnded("failed", None, BOOM))

        assert (story.state.active, story.state.status, story.state.failure) == ({}, "failed", BOOM)
        assert {one.path for one in story.state.withdrawn} == {"/m#1", "/m#1[0]/x#1", "/m#1[1]/x#1"}

    def test_a_parked_node_keeps_what_it_waits_for_and_ends_with(self) -> None:
        story = Story(graph_of(["w -> b"])).row(events.NodeParked(ActivationPath("/w#1"), "timer", 9.0, {"woke_by": "timer"}))

        waiting = story.state.active[ActivationPath("/w#1")]
        assert (waiting.parked_for, waiting.parked_until, waiting.parked_output) == ("timer", 9.0, {"woke_by": "timer"})

    def test_usage_alone_moves_nothing(self) -> None:
        story = mapped(1)
        before = snapshot.dump(story.state)

        story.row(events.UsageCounted(ActivationPath("/gone#1"), Usage("m", 1, 1)))

        assert snapshot.dump(story.state) == {**before, "position": 3}

    def test_what_was_told_of_budgets_moves_nothing_and_outlives_a_checkpoint(self) -> None:
        story = mapped(1)
        before = snapshot.dump(story.state)

        for percent in (50, 80):
            about = ("b-1", "daily", "ann", "2026-11-22", percent, "4.1", "5", "USD")
            story.row(events.BudgetAlert(ActivationPath("/gone#1"), *about))

        alerts = {("b-1", "ann", "2026-11-22"): ("5", 80)}
        plain = snapshot.dump(story.state)
        assert {**plain, "alerts": before["alerts"]} == {**before, "position": 4}
        assert snapshot.load(json.loads(json.dumps(plain)), story.graph, {SELF: story.graph}).alerts == alerts
        del plain["alerts"]
        assert snapshot.load(plain, story.graph, {SELF: story.graph}).alerts == {}, "a checkpoint from before there were any"

    def test_a_run_starts_once(self) -> None:
        story = mapped(1)

        with pytest.raises(AssertionError, match="has started already"):
            story.row(story.rows[0])
