"""Lost answers, lost leases, crashes: nothing is done twice, and nothing is lost."""

import asyncio
from dataclasses import replace

import pytest

from application.loading import Loaded
from domain.errors import DatabaseError, Fenced, SerializationError, WorkflowNotFound
from domain.ids import DEFAULT_TENANT, ContentHash, RunId
from domain.ports.journal import Append
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.run import events
from domain.usage import Usage
from tests.documents import Document, document
from tests.unit.application.engine.stage import Act, Gate, Stage

COUNT = {"n": {"type": "integer", "default": 0}}
ADD = {"kind": "transform", "writes": {"n": "${state.n + 1}"}}
CHAIN = document({"a": {"kind": "act"}, "b": {"kind": "act"}, "c": {"kind": "act"}}, ["start > a", "a > b", "b > c"])
DURABILITIES = ["sync", "async", "exit"]


def counting(tries: list[str]) -> Act:
    async def act(context: NodeContext) -> Outcome:
        tries.append(context.activation)
        return Finished()

    return act


@pytest.mark.parametrize("durability", DURABILITIES)
async def test_an_answer_that_got_lost_leaves_one_row_each(stage: Stage, durability: str) -> None:
    tries: list[str] = []
    act = counting(tries)
    stage.does(a=act, b=act, c=act)
    lost: set[int] = set()

    async def lose_every_first_answer(append: Append) -> None:
        if append.after not in lost:
            lost.add(append.after)
            raise DatabaseError("the answer got lost")

    stage.journal.after = lose_every_first_answer
    run = await stage.play(CHAIN, durability=durability)

    assert (run.status, tries) == ("completed", ["/a#1", "/b#1", "/c#1"])
    assert await stage.story(run.id) == ["run_started", *(f"node_finished /{name}#1" for name in "abc"), "run_ended"]


async def test_a_store_that_goes_away_again_while_a_lost_answer_is_looked_for(stage: Stage) -> None:
    tries: list[str] = []
    act = counting(tries)
    stage.does(a=act, b=act, c=act)
    lost: list[str] = []

    async def lose_the_first_two_answers() -> None:
        if len(lost) < 2:
            lost.append("answer")
            raise DatabaseError("lost")

    async def lose_the_first_answer(append: Append) -> None:
        if not lost:
            await lose_the_first_two_answers()

    stage.journal.after, stage.journal.before_end = lose_the_first_answer, lose_the_first_two_answers
    run = await stage.play(CHAIN)

    assert (run.status, tries, len(await stage.rows(run.id))) == ("completed", ["/a#1", "/b#1", "/c#1"], 5)


@pytest.mark.parametrize("durability", DURABILITIES)
async def test_a_store_that_is_away_for_a_while_is_waited_for(stage: Stage, durability: str) -> None:
    tries: list[str] = []
    act = counting(tries)
    stage.does(a=act, b=act, c=act)

    async def away(append: Append) -> None:
        if asyncio.get_running_loop().time() < 60:
            raise DatabaseError("away")

    stage.journal.before = away
    run = await stage.play(CHAIN, durability=durability)

    assert (run.status, tries) == ("completed", ["/a#1", "/b#1", "/c#1"])
    assert len(await stage.rows(run.id)) == 5


@pytest.mark.parametrize("durability", DURABILITIES)
async def test_a_run_that_was_taken_away_stops_and_appends_nothing(stage: Stage, durability: str) -> None:
    gate, never, behind = Gate(), Gate(), Gate()
    stage.does(a=gate, b=behind, c=never)
    run = await stage.order(document({**CHAIN["nodes"]}, ["start > a", "start > c", "a > b"]), durability=durability)
    old = await stage.engine.open(await stage.claim(lease_seconds=1))
    driving = asyncio.create_task(stage.engine.drive(old))
    await gate.began.wait()
    await stage.clock.sleep(2)
    new = await stage.claim()
    before = await stage.story(run)
    gate.opened.set()
    if durability == "exit":
        never.opened.set()
        behind.opened.set()

    with pytest.raises(Fenced):
        await driving
    assert (new.taken_over, await stage.story(run), never.ended.is_set()) == (True, before, True)
    assert durability != "sync" or not behind.began.is_set()


async def test_a_drive_that_is_told_it_lost_its_lease_stops(stage: Stage) -> None:
    gate = Gate()
    stage.does(a=gate)
    run = await stage.order(document({"a": {"kind": "act"}}, ["start > a"]))
    drive = await stage.open()
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    drive.is_lost = True
    drive.wake.set()
    await driving

    assert (gate.ended.is_set(), await stage.story(run)) == (True, ["run_started"])


async def test_a_lost_lease_ends_the_wait_for_a_store_that_is_away(stage: Stage) -> None:
    async def away(append: Append) -> None:
        raise DatabaseError("away")

    stage.does(a=counting([]), b=Gate())
    run = await stage.order(document({"a": {"kind": "act"}, "b": {"kind": "act"}}, ["start > a", "start > b"]), durability="async")
    drive = await stage.open()
    stage.journal.before = away
    driving = asyncio.create_task(stage.engine.drive(drive))
    await asyncio.sleep(10)
    drive.is_lost = True
    drive.wake.set()
    await driving

    assert await stage.story(run) == []


async def test_an_append_in_the_background_that_is_refused_stops_the_run(stage: Stage) -> None:
    slow = Gate()
    stage.does(a=slow, b=counting([]))
    await stage.order(document({"a": {"kind": "act"}, "b": {"kind": "act"}}, ["start > a", "start > b"]), durability="async")
    drive = await stage.open()

    async def refuse(append: Append) -> None:
        raise Fenced("taken away")

    stage.journal.before = refuse
    with pytest.raises(Fenced):
        await stage.engine.drive(drive)
    assert slow.ended.is_set()


async def test_a_drive_that_is_cancelled_leaves_nothing_running(stage: Stage) -> None:
    gate = Gate(closing=1)
    stage.does(a=gate, b=counting([]))

    async def slow(append: Append) -> None:
        await asyncio.sleep(30)

    await stage.order(document({"a": {"kind": "act"}, "b": {"kind": "act"}}, ["start > a", "start > b"]), durability="async")
    drive = await stage.open()
    stage.journal.before = slow
    driving = asyncio.create_task(stage.engine.drive(drive))
    await gate.began.wait()
    driving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await driving
    assert gate.ended.is_set()


@pytest.mark.parametrize(
    ("durability", "again"),
    [
        pytest.param("sync", ["/c#1"], id="sync"),
        pytest.param("async", ["/c#1"], id="async"),
        pytest.param("exit", ["/a#1", "/b#1", "/c#1"], id="exit keeps nothing before the end"),
    ],
)
async def test_after_a_crash_what_was_finished_is_not_done_again(stage: Stage, durability: str, again: list[str]) -> None:
    tries: list[str] = []
    act, gate = counting(tries), Gate()
    stage.does(a=act, b=act, c=gate)
    run = await stage.order(CHAIN, durability=durability)
    crashing = asyncio.create_task(stage.engine.drive(await stage.engine.open(await stage.claim(lease_seconds=5))))
    await gate.began.wait()
    await asyncio.sleep(1)
    crashing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await crashing

    tries.clear()
    stage.does(c=act)
    await stage.clock.sleep(10)
    await stage.engine.drive(await stage.open())

    assert ((await stage.run(run)).status, tries) == ("completed", again)
    assert len(await stage.rows(run)) == 5


async def test_a_crash_in_a_map_keeps_the_items_that_were_done(stage: Stage) -> None:
    gate, tries = Gate(), list[str]()

    async def act(context: NodeContext) -> Outcome:
        tries.append(context.activation)
        return await gate(context) if context.scope["item"] == 2 else Finished(context.scope["item"])

    stage.does(x=act)
    inner = {
        "state": {"y": {}},
        "nodes": {"x": {"kind": "act", "writes": {"y": "${output}"}}},
        "edges": [{"from": "start", "to": "x"}],
        "output": {"y": "${state.y}"},
    }
    nodes = {"m": {"kind": "map", "over": [1, 2, 3], "graph": inner, "writes": {"out": "${output}"}}}
    run = await stage.order(document(nodes, ["start > m"], state={"out": {}}))
    crashing = asyncio.create_task(stage.engine.drive(await stage.engine.open(await stage.claim(lease_seconds=5))))
    await gate.began.wait()
    await asyncio.sleep(1)
    crashing.cancel()
    await asyncio.gather(crashing, return_exceptions=True)
    tries.clear()
    gate.output = 2
    gate.opened.set()
    await stage.clock.sleep(10)
    await stage.engine.drive(await stage.open())

    assert (await stage.run(run)).output == {"out": [{"y": 1}, {"y": 2}, {"y": 3}]}
    assert tries == ["/m#1[1]/x#1"]


async def test_a_backoff_goes_on_where_it_was_after_a_crash(stage: Stage) -> None:
    at: list[float] = []

    async def act(context: NodeContext) -> Outcome:
        at.append(asyncio.get_running_loop().time())
        if len(at) == 1:
            raise DatabaseError("theirs, and retryable")
        return Finished(context.attempt)

    stage.does(a=act)
    nodes = {"a": {"kind": "act", "writes": {"n": "${output}"}, "retry": {"attempts": 2, "first_seconds": 4}}}
    run = await stage.order(document(nodes, ["start > a"], state=COUNT))
    crashing = asyncio.create_task(stage.engine.drive(await stage.engine.open(await stage.claim(lease_seconds=1))))
    await asyncio.sleep(2)
    crashing.cancel()
    await asyncio.gather(crashing, return_exceptions=True)
    await stage.engine.drive(await stage.open())

    assert ((await stage.run(run)).output, at) == ({"n": 2}, [0.0, 4.0])


async def test_a_run_that_had_spent_too_much_before_a_crash_spends_nothing_more(stage: Stage) -> None:
    """It was still stopping what ran beside the call that went too far."""
    slow, never = Gate(closing=1), Gate()

    async def dear(context: NodeContext) -> Outcome:
        await asyncio.sleep(1)
        return Finished(None, Usage("m", 100, 0))

    stage.does(a=dear, b=slow, c=never)
    graph = document({name: {"kind": "act"} for name in "abc"}, ["start > a", "start > b", "a > c"], limits={"tokens": 50})
    run = await stage.order(graph)
    crashing = asyncio.create_task(stage.engine.drive(await stage.engine.open(await stage.claim(lease_seconds=3))))
    await asyncio.sleep(1.5)
    crashing.cancel()
    await asyncio.gather(crashing, return_exceptions=True)
    assert await stage.story(run) == ["run_started", "node_finished /a#1"]
    await stage.clock.sleep(5)
    await stage.engine.drive(await stage.open())

    failure = (await stage.run(run)).failure
    assert failure is not None
    assert (failure.code, never.began.is_set()) == ("limit_tokens", False)


class TestCheckpoints:
    GRAPH = document(
        {"h": ADD, "x": {"kind": "transform", "writes": {"log": "${state.n}"}}, "g": {"kind": "act"}},
        ["start > h", "h > x ? state.n < 20", "x > h", "h > g ? state.n >= 20"],
        state={**COUNT, "log": {"type": "array", "merge": "append", "default": []}},
    )

    @pytest.fixture(autouse=True)
    def _often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("application.checkpoints.CHECKPOINT_ROWS", 7)

    @pytest.mark.parametrize("durability", DURABILITIES)
    async def test_a_run_loaded_from_one_goes_on_as_from_its_rows(self, stage: Stage, durability: str) -> None:
        gate = Gate()
        stage.does(g=gate)
        run = await stage.order(self.GRAPH, durability=durability)
        claim = await stage.claim(lease_seconds=1)
        drive = await stage.engine.open(claim)
        driving = asyncio.create_task(stage.engine.drive(drive))
        await gate.began.wait()
        await asyncio.sleep(2)
        await drive.append()
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
        checkpoint = await stage.journal.newest_checkpoint(DEFAULT_TENANT, claim.lease.thread)
        assert checkpoint is not None

        drive = await stage.open()
        assert drive.loaded.tail == drive.position - checkpoint.position
        assert [activation.path for activation in drive.state.ready] == ["/g#1"]
        gate.opened.set()
        await stage.engine.drive(drive)
        found = await stage.run(run)
        assert (found.status, found.output) == ("completed", {"n": 20, "log": list(range(1, 20))})

    @pytest.mark.parametrize("durability", DURABILITIES)
    async def test_a_thread_of_many_short_runs_is_not_read_from_its_beginning(self, stage: Stage, durability: str) -> None:
        graph = document({"a": ADD, "b": ADD}, ["start > a", "a > b"], state=COUNT)
        run = await stage.play(graph, durability=durability)
        for _ in range(12):
            run = await stage.play(graph, thread=run.thread, durability=durability)
        await stage.order(graph, thread=run.thread, durability=durability)
        drive = await stage.open()

        assert drive.loaded.tail < 14
        assert drive.state.root.state == {"n": 26}
        await stage.engine.drive(drive)

    async def test_rows_that_are_few_and_large_are_not_read_from_the_beginning(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("application.checkpoints.CHECKPOINT_ROWS", 1_000)
        monkeypatch.setattr("application.checkpoints.CHECKPOINT_BYTES", 20_000)
        large = {"kind": "transform", "writes": {"text": "${'" + "x" * 500 + "'}", "n": "${state.n + 1}"}}
        nodes = {"h": large, "w": {"kind": "wait", "seconds": 10}}
        state = {**COUNT, "text": {"type": "string", "default": ""}}
        graph = document(nodes, ["start > h", "h > w ? state.n < 90", "w > h", "h > end ? state.n >= 90"], state=state)
        tails = [loaded.tail_bytes for loaded in await self._loaded(stage, await stage.order(graph))]

        assert 10_000 < max(tails) < 22_000 < len(tails) * 500

    async def _loaded(self, stage: Stage, run: RunId) -> list[Loaded]:
        """What each worker that took the run had to read; it parks for ten seconds again and again."""
        found = []
        while not (await stage.run(run)).status.is_final:
            drive = await stage.open()
            found.append(drive.loaded)
            await stage.engine.drive(drive)
            await stage.clock.sleep(10)
        return found

    async def test_a_run_that_parks_again_and_again_is_not_read_from_its_beginning(self, stage: Stage) -> None:
        nodes = {"h": ADD, "w": {"kind": "wait", "seconds": 10}}
        graph = document(nodes, ["start > h", "h > w ? state.n < 20", "w > h", "h > end ? state.n >= 20"], state=COUNT)
        tails = [loaded.tail for loaded in await self._loaded(stage, await stage.order(graph, durability="exit"))]

        assert len(tails) == 20
        assert max(tails) < 14

    async def test_a_large_state_is_written_seldom(self, stage: Stage) -> None:
        graph: Document = document(
            {"h": ADD}, ["start > h", "h > h ? state.n < 900", "h > end ? state.n >= 900"], state={**COUNT, "big": {"type": "string"}}
        )
        run = await stage.play(graph, {"big": "x" * 10_000})

        written = [unit.checkpoint for unit in stage.journal.units if unit.checkpoint is not None]
        assert run.status == "completed"
        assert 1 <= len(written) <= 3


class TestRefused:
    async def test_a_run_whose_workflow_is_gone_fails_and_says_so(self, stage: Stage) -> None:
        run = await stage.order(document({"a": ADD}, ["start > a"], state=COUNT))
        claim = await stage.claim()
        claim = replace(claim, run=replace(claim.run, workflow_hash=ContentHash("gone")))
        with pytest.raises(WorkflowNotFound) as raised:
            await stage.engine.open(claim)
        await stage.engine.refuse(claim, raised.value)

        found = await stage.run(run)
        assert found.failure is not None
        assert (found.status, found.failure.code, found.last) == ("failed", "workflow_not_found", 1)
        assert await stage.story(run) == ["run_ended"]
        assert stage.meter.ended == [found]

    async def test_the_thread_goes_on_behind_it(self, stage: Stage) -> None:
        graph = document({"a": ADD}, ["start > a"], state=COUNT)
        run = await stage.order(graph)
        claim = await stage.claim()
        await stage.engine.refuse(claim, WorkflowNotFound("gone"))
        later = await stage.play(graph, thread=claim.run.thread)

        assert (run != later.id, later.status, later.output) == (True, "completed", {"n": 1})

    async def test_rows_of_a_planner_that_this_weft_does_not_have_are_refused(self, stage: Stage) -> None:
        run = await stage.order(document({"a": ADD}, ["start > a"], state=COUNT))
        claim = await stage.claim(lease_seconds=1)
        started = events.RunStarted(run, claim.run.workflow_hash, {}, stage.now(), rules=99)
        await stage.journal.append(Append(claim.lease, claim.position, [started]))
        await stage.clock.sleep(2)

        with pytest.raises(SerializationError, match="follows rules 99, this Weft knows 1"):
            await stage.open()
