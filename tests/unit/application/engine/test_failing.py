"""What goes wrong in a node, and what becomes of it."""

import asyncio

import pytest

from domain.errors import ModelError, NodeExecutionError, ToolError
from domain.ports.journal import Append
from domain.ports.nodes import EndFrame, Finished, NodeContext, OpenFrames, Outcome
from domain.run import events
from domain.usage import Usage
from tests.documents import document
from tests.unit.application.engine.stage import Act, Failing, Gate, Stage, failing

LOG = {"log": {"type": "array", "merge": "append", "default": []}}
N = {"n": {"type": "integer", "default": 0}}
BUSY = ModelError("busy", "model_unavailable", retryable=True)
HANDLED = {"kind": "transform", "writes": {"log": "${error.code + ' at ' + error.node}"}}


def answering(outcome: object) -> Act:
    async def act(context: NodeContext) -> Outcome:
        return outcome  # type: ignore[return-value]

    return act


def retried(attempts: int = 3, **rule: object) -> dict[str, object]:
    return {"kind": "act", "writes": {"n": "${output}"}, "retry": {"attempts": attempts, "first_seconds": 2, "factor": 3, **rule}}


class TestRetries:
    async def test_a_retryable_error_is_tried_again_after_a_growing_pause(self, stage: Stage) -> None:
        act = failing(BUSY, BUSY)
        stage.does(a=act)
        run = await stage.play_to_the_end(document({"a": retried()}, ["start > a"], state=N))

        assert (run.status, run.output, act.at) == ("completed", {"n": 3}, [0.0, 2.0, 8.0])
        assert await stage.story(run.id) == ["run_started", *["attempt_failed /a#1"] * 2, "node_finished /a#1", "run_ended"]

    async def test_the_pause_grows_to_its_most(self, stage: Stage) -> None:
        act = failing(BUSY, BUSY, BUSY)
        stage.does(a=act)
        await stage.play_to_the_end(document({"a": retried(4, max_seconds=3)}, ["start > a"], state=N))

        assert act.at == [0.0, 2.0, 5.0, 8.0]

    async def test_a_pause_beyond_all_numbers_is_the_longest_allowed(self, stage: Stage) -> None:
        act = failing(*[BUSY] * 400)
        stage.does(a=act)
        rule = retried(500, first_seconds=0.001, factor=10, max_seconds=0.001)
        run = await stage.play(document({"a": rule}, ["start > a"], state=N))

        assert (run.status, run.output) == ("completed", {"n": 401})

    async def test_a_provider_may_ask_for_a_longer_pause(self, stage: Stage) -> None:
        act = failing(ModelError("slow down", "model_rate_limited", retryable=True, retry_after=4.5))
        stage.does(a=act)
        await stage.play(document({"a": retried()}, ["start > a"], state=N))

        assert act.at == [0.0, 4.5]

    async def test_after_the_last_attempt_the_run_fails_with_the_last_error(self, stage: Stage) -> None:
        stage.does(a=failing(BUSY, BUSY, BUSY))
        run = await stage.play(document({"a": retried(2)}, ["start > a"], state=N))

        assert run.failure is not None
        assert (run.status, run.failure.code, run.failure.node, run.failure.attempt) == ("failed", "model_unavailable", "a", 2)

    @pytest.mark.parametrize(
        ("error", "rule", "attempts"),
        [
            pytest.param(NodeExecutionError("no"), {}, 1, id="what is not retryable is not tried again"),
            pytest.param(NodeExecutionError("no"), {"codes": ["node_failed"]}, 2, id="unless its code is named"),
            pytest.param(BUSY, {"codes": ["node_failed"]}, 1, id="with codes nothing else is tried again"),
        ],
    )
    async def test_what_is_tried_again(self, stage: Stage, error: Exception, rule: dict[str, object], attempts: int) -> None:
        act = failing(*[error] * 5)
        stage.does(a=act)
        await stage.play(document({"a": retried(2, **rule)}, ["start > a"], state=N))

        assert len(act.at) == attempts

    async def test_tokens_of_every_attempt_are_counted_once(self, stage: Stage) -> None:
        stage.does(a=Failing([BUSY, BUSY], usage=Usage("m", 10, 5)))
        run = await stage.play_to_the_end(document({"a": retried()}, ["start > a"], state=N))

        assert await stage.usage(run.id) == [("/a#1", 1, 15), ("/a#1", 2, 15), ("/a#1", 3, 15)]
        assert (run.usage.total_tokens, run.usage.calls, len(stage.meter.uses)) == (45, 3, 3)

    async def test_a_long_backoff_parks_and_goes_on_when_it_is_due(self, stage: Stage) -> None:
        act = failing(BUSY)
        stage.does(a=act)
        run = await stage.play(document({"a": retried(first_seconds=60)}, ["start > a"], state=N))

        (waiting,) = run.waiting_for
        assert (run.status, waiting.kind, waiting.until) == ("parked", "retry", stage.now() + 60)
        await stage.clock.sleep(60)
        await stage.engine.drive(await stage.open())
        assert ((await stage.run(run.id)).status, act.at) == ("completed", [0.0, 60.0])


class TestErrorEdges:
    async def test_the_error_edge_alone_is_taken_and_nothing_is_written(self, stage: Stage) -> None:
        stage.does(a=failing(NodeExecutionError("no", "bad")))
        nodes = {"a": {"kind": "act", "writes": {"log": "never"}}, "b": {"kind": "act"}, "r": HANDLED}
        run = await stage.play(document(nodes, ["start > a", "a > b", "a ! r"], state=LOG))

        assert (run.status, run.output) == ("completed", {"log": ["bad at a"]})

    async def test_the_first_edge_that_names_the_code_is_taken(self, stage: Stage) -> None:
        stage.does(a=failing(NodeExecutionError("no", "bad")))
        edges = ["start > a", {"from": "a", "to": "x", "on_error": ["other"]}, {"from": "a", "to": "y", "on_error": ["bad"]}, "a ! z"]
        run = await stage.play(document({"a": {"kind": "act"}, "x": HANDLED, "y": HANDLED, "z": HANDLED}, edges, state=LOG))

        assert await stage.story(run.id) == ["run_started", "node_failed /a#1", "node_finished /y#1", "run_ended"]

    async def test_a_handler_sees_every_error_that_came_in_the_order_of_the_journal(self, stage: Stage) -> None:
        async def later(context: NodeContext) -> Outcome:
            await asyncio.sleep(1)
            raise ToolError("late", "second")

        stage.does(a=later, b=failing(NodeExecutionError("early", "first")))
        handler = {"kind": "transform", "writes": {"log": ["${error.code}", "${errors[0].code}", "${errors[1].message}"]}}
        edges = ["start > a", "start > b", "a ! r", "b ! r"]
        run = await stage.play(document({"a": {"kind": "act"}, "b": {"kind": "act"}, "r": handler}, edges, state=LOG))

        assert run.output == {"log": ["first", "first", "late"]}

    async def test_without_an_error_edge_the_siblings_are_stopped_and_named(self, stage: Stage) -> None:
        slow = Gate()
        stage.does(a=slow, b=failing(NodeExecutionError("no", "bad")))
        run = await stage.play(document({"a": {"kind": "act"}, "b": {"kind": "act"}}, ["start > a", "start > b"]))

        assert (run.status, slow.ended.is_set()) == ("failed", True)
        assert [row.cancelled for row in await stage.rows(run.id) if isinstance(row, events.NodeFailed)] == [("/a#1",)]


class TestWhateverANodeRaises:
    @pytest.mark.parametrize(
        ("error", "message"),
        [
            pytest.param(KeyError("gone"), "KeyError: 'gone'", id="an exception of Python"),
            pytest.param(TimeoutError("theirs"), "TimeoutError: theirs", id="a timeout of its own"),
            pytest.param(asyncio.CancelledError(), "CancelledError: ", id="a cancellation that is not ours"),
            pytest.param(SystemExit(3), "SystemExit: 3", id="an exit"),
            pytest.param(ValueError("x" * 1000), ("ValueError: " + "x" * 1000)[:500], id="a message without end"),
        ],
    )
    @pytest.mark.parametrize("kind", ["act", "at_once"])
    async def test_it_fails_alone_and_keeps_what_was_before(self, stage: Stage, error: BaseException, message: str, kind: str) -> None:
        stage.does(b=failing(error))  # type: ignore[arg-type]
        nodes = {"a": {"kind": "transform", "writes": {"n": 7}}, "b": {"kind": kind}}
        run = await stage.play(document(nodes, ["start > a", "a > b"], state=N))

        assert run.failure is not None
        assert (run.status, run.failure.code, run.failure.node, run.failure.message) == ("failed", "node_failed", "b", message)
        next_run = await stage.play(document({"a": {"kind": "transform"}}, ["start > a"], state=N), thread=run.thread)
        assert next_run.output == {"n": 7}

    async def test_an_inner_task_that_is_cancelled_is_a_failure_like_any_other(self, stage: Stage) -> None:
        async def act(context: NodeContext) -> Outcome:
            inner = asyncio.create_task(asyncio.sleep(5))
            inner.cancel()
            await inner
            return Finished()

        stage.does(a=act)
        run = await stage.play(document({"a": {"kind": "act"}, "r": HANDLED}, ["start > a", "a ! r"], state=LOG))

        assert run.output == {"log": ["node_failed at a"]}

    @pytest.mark.parametrize(
        ("outcome", "message"),
        [
            pytest.param(None, "a returned NoneType, not Finished, OpenFrames, Park or EndFrame", id="nothing"),
            pytest.param(
                OpenFrames([{}, {}], "self"), "a gave 2 inputs, not 1: a map has one per item, others one", id="two without a map"
            ),
            pytest.param(OpenFrames([], "self"), "a gave 0 inputs, not 1: a map has one per item, others one", id="none without a map"),
            pytest.param(
                OpenFrames([{}], "self", is_map=True),
                "a gave 1 inputs, not 0: a map has one per item, others one",
                id="an input without its item",
            ),
            pytest.param(OpenFrames([1], "self"), "a: input 0 is no object", id="an input that is no object"),  # type: ignore[list-item]
            pytest.param(
                OpenFrames([{}], "unknown"), "a names workflow unknown, which was not there when the run started", id="an unknown workflow"
            ),
        ],
    )
    async def test_an_answer_that_means_nothing_is_a_failure(self, stage: Stage, outcome: object, message: str) -> None:
        stage.does(a=answering(outcome))
        run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"]))

        assert run.failure is not None
        assert (run.failure.node, run.failure.message) == ("a", message)

    async def test_a_node_that_wants_no_frame_at_once_gets_one(self, stage: Stage) -> None:
        async def act(context: NodeContext) -> Outcome:
            return OpenFrames([{}], "self", [1], concurrency=0, is_map=True) if context.activation == "/a#1" else EndFrame(True, 5)

        stage.does(a=act)
        run = await stage.play(document({"a": {"kind": "act", "writes": {"log": "${output}"}}}, ["start > a"], state=LOG))

        assert run.output == {"log": [5]}


class TestTimeouts:
    async def test_a_node_that_takes_too_long_is_stopped(self, stage: Stage) -> None:
        slow = Gate()
        stage.does(a=slow)
        run = await stage.play(document({"a": {"kind": "act", "timeout_seconds": 3}, "r": HANDLED}, ["start > a", "a ! r"], state=LOG))

        assert (run.output, slow.ended.is_set(), asyncio.get_running_loop().time()) == ({"log": ["timeout at a"]}, True, 3.0)

    async def test_a_timeout_is_retryable_and_counts_what_was_used(self, stage: Stage) -> None:
        stage.does(a=Gate(usage=Usage("m", 3, 4)))
        run = await stage.play(document({"a": {**retried(2), "timeout_seconds": 1}}, ["start > a"], state=N))

        assert run.failure is not None
        assert (run.failure.code, run.failure.attempt) == ("timeout", 2)
        assert await stage.usage(run.id) == [("/a#1", 1, 7), ("/a#1", 2, 7)]


class TestWrites:
    RACE = ("start > a", "start > b")

    @staticmethod
    def race(**of_b: object) -> dict[str, object]:
        return {
            "a": {"kind": "act", "writes": {"n": 1}},
            "b": {"kind": "act", "writes": {"n": "${state.n + 10}"}, **of_b},
        }

    @staticmethod
    def take_turns(stage: Stage) -> None:
        async def second(context: NodeContext) -> Outcome:
            await asyncio.sleep(1)
            return Finished()

        stage.does(a=answering(Finished()), b=second)

    async def test_two_that_replace_one_channel_side_by_side_are_both_named(self, stage: Stage) -> None:
        self.take_turns(stage)
        run = await stage.play(document(self.race(), self.RACE, state=N))

        assert run.failure is not None
        assert (run.failure.code, run.failure.node) == ("concurrent_write", "b")
        assert run.failure.message.startswith("b and a both replace channel n, side by side")

    async def test_the_last_wins_where_the_channel_says_so(self, stage: Stage) -> None:
        self.take_turns(stage)
        run = await stage.play(document(self.race(), self.RACE, state={"n": {"type": "integer", "default": 0, "on_conflict": "last"}}))

        assert run.output == {"n": 10}

    async def test_it_is_not_tried_again_unless_it_is_named(self, stage: Stage) -> None:
        self.take_turns(stage)
        run = await stage.play(document(self.race(retry={"attempts": 3}), self.RACE, state=N))

        assert run.status == "failed"

    async def test_named_it_reads_anew(self, stage: Stage) -> None:
        self.take_turns(stage)
        run = await stage.play(document(self.race(retry={"attempts": 3, "codes": ["concurrent_write"]}), self.RACE, state=N))

        assert run.output == {"n": 11}

    async def test_one_that_slept_reads_what_is_there_when_its_row_is_written(self, stage: Stage) -> None:
        """It woke while the store was slow, behind a write that came before it: that is no race."""

        async def slow_store(append: Append) -> None:
            await asyncio.sleep(2)

        async def second(context: NodeContext) -> Outcome:
            await asyncio.sleep(1)
            return Finished()

        stage.does(x=answering(Finished()), a=second)
        nodes = {
            "x": {"kind": "act"},
            "a": {"kind": "act", "writes": {"n": 1}},
            "w": {"kind": "wait", "seconds": 1.5, "writes": {"n": "${state.n + 10}"}},
        }
        await stage.order(document(nodes, ["start > a", "start > w", "start > x"], state=N))
        drive = await stage.open()
        await drive.append()
        stage.journal.before = slow_store
        await stage.engine.drive(drive)

        assert drive.run.output == {"n": 11}

    @pytest.mark.parametrize(
        ("channel", "written", "code"),
        [
            pytest.param({"type": "integer"}, "${'text'}", "invalid_update", id="against the schema"),
            pytest.param(
                {"type": "array", "merge": "append", "items": {"type": "integer"}}, "x", "invalid_update", id="an item of the wrong type"
            ),
            pytest.param({"type": "array", "merge": "append", "maxItems": 1, "default": [1]}, 2, "invalid_update", id="one item too many"),
            pytest.param({"type": "integer", "merge": "add", "maximum": 3, "default": 2}, 2, "invalid_update", id="a sum too large"),
            pytest.param({"merge": "add"}, "x", "bad_update", id="a text to add, and no schema"),
            pytest.param({"merge": "merge"}, [1], "bad_update", id="a list to merge"),
            pytest.param({"type": "array", "merge": "messages"}, [1], "bad_update", id="a message that is no object"),
        ],
    )
    async def test_a_bad_value_fails_its_node_before_a_row_says_so(
        self, stage: Stage, channel: dict[str, object], written: object, code: str
    ) -> None:
        nodes = {"a": {"kind": "transform", "writes": {"c": written}}, "r": HANDLED}
        run = await stage.play(document(nodes, ["start > a", "a ! r"], state={"c": channel, **LOG}))

        assert run.output == {**({"c": channel["default"]} if "default" in channel else {}), "log": [f"{code} at a"]}
        assert await stage.story(run.id) == ["run_started", "node_failed /a#1", "node_finished /r#1", "run_ended"]


class TestEdges:
    @pytest.mark.parametrize(
        ("edge", "code", "names"),
        [
            pytest.param({"when": "state.missing > 1", "to": "b"}, "edge_failed", "e1", id="a missing field is not false"),
            pytest.param({"when": "state.log > 1", "to": "b"}, "edge_failed", "e1", id="nor is a type error"),
            pytest.param({"when": "size(state.log)", "to": "b"}, "edge_failed", "e1", id="nor a number"),
            pytest.param({"route": [{"when": "false", "to": "b"}]}, "no_route", "e1", id="a route must lead somewhere"),
            pytest.param({"to": "${'c'}", "targets": ["b"]}, "edge_failed", "'c'", id="a name outside of the targets"),
            pytest.param({"to": "${state.missing}", "targets": ["b"]}, "edge_failed", "e1", id="a target that cannot be told"),
        ],
    )
    async def test_an_edge_that_cannot_be_told_fails_its_node(self, stage: Stage, edge: dict[str, object], code: str, names: str) -> None:
        nodes = {"a": {"kind": "transform"}, "b": {"kind": "transform"}, "c": {"kind": "transform"}}
        run = await stage.play(document(nodes, ["start > a", {"from": "a", **edge}, "a > c"], state=LOG))

        assert run.failure is not None
        assert (run.status, run.failure.code, run.failure.node) == ("failed", code, "a")
        assert names in run.failure.message
        assert await stage.story(run.id) == ["run_started", "node_failed /a#1", "run_ended"]

    async def test_an_edge_sees_the_state_as_it_will_be_and_an_error_edge_undoes_it(self, stage: Stage) -> None:
        nodes = {"a": {"kind": "transform", "writes": {"n": 5}}, "b": {"kind": "transform"}, "r": HANDLED}
        edges = ["start > a", "a > b ? state.n == 5", {"from": "a", "route": [{"when": "state.n > 5", "to": "b"}]}, "a ! r"]
        run = await stage.play(document(nodes, edges, state={**N, **LOG}))

        assert run.output == {"n": 0, "log": ["no_route at a"]}

    async def test_start_that_cannot_be_told_fails_the_run(self, stage: Stage) -> None:
        run = await stage.play(document({"a": {"kind": "transform"}}, ["start > a ? state.missing"], state=N))

        assert run.failure is not None
        assert (run.status, run.failure.code) == ("failed", "edge_failed")

    async def test_an_output_that_cannot_be_told_fails_the_run(self, stage: Stage) -> None:
        run = await stage.play(document({"a": {"kind": "transform"}}, ["start > a"], state=N, output={"x": "${state.missing}"}))

        assert run.failure is not None
        assert (run.status, run.failure.code) == ("failed", "expression_error")

    async def test_take_all_and_dynamic_targets(self, stage: Stage) -> None:
        nodes = {name: {"kind": "transform", "writes": {"log": name}} for name in "abcde"}
        edges = [
            "start > a",
            {"from": "a", "route": [{"when": "true", "to": "b"}, {"when": "true", "to": "c"}], "take": "all"},
            {"from": "c", "to": "${['d', 'e']}", "targets": ["d", "e"]},
        ]
        run = await stage.play(document(nodes, edges, state=LOG))

        assert isinstance(run.output, dict)
        assert sorted(run.output["log"]) == ["a", "b", "c", "d", "e"]


class TestSpending:
    async def test_the_last_call_of_a_run_counts_too(self, stage: Stage) -> None:
        stage.does(a=answering(Finished(1, Usage("m", 10, 9))))
        run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"], limits={"tokens": 18}))

        assert run.failure is not None
        assert (run.status, run.failure.code) == ("failed", "limit_tokens")

    async def test_what_fits_exactly_is_within_the_limit(self, stage: Stage) -> None:
        stage.does(a=answering(Finished(1, Usage("m", 10, 9))))

        assert (await stage.play(document({"a": {"kind": "act"}}, ["start > a"], limits={"tokens": 19}))).status == "completed"
