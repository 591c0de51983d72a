"""A worker: what it takes, keeps, hands on, and how it stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from application.working import Worker
from domain.errors import DatabaseError
from domain.ids import WorkerId
from domain.ports.journal import Append, Lease
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.ports.queue import Claim, QueueDepth, RunQueue
from domain.ports.repositories import UsageLedger
from domain.run.run import RunStatus
from domain.usage import Usage, UsageRow
from infrastructure.store.codec import encode
from tests.documents import document
from tests.unit.application.engine.stage import Gate, Stage

ONE = document({"a": {"kind": "act"}}, ["start > a"])
TWO = document({"a": {"kind": "act"}, "b": {"kind": "act"}}, ["start > a", "a > b"])


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[asyncio.Task[None]]:
    """The worker runs meanwhile, and is stopped."""
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        worker.stop()
        await asyncio.wait([task])


def time() -> float:
    return asyncio.get_running_loop().time()


def held_writing(stage: Stage, opened: asyncio.Event) -> list[str]:
    """Nothing is appended before it is `opened`; gives the runs that wanted to, as they come."""
    writing: list[str] = []

    async def held(append: Append) -> None:
        writing.append(append.lease.run)
        await opened.wait()

    stage.journal.before = held
    return writing


@dataclass
class Watched:
    """A queue that counts what it is asked, and may fail it first."""

    queue: RunQueue
    fail: Callable[[str], Awaitable[None]] | None = None
    asked: list[str] = field(default_factory=list)

    async def _asked(self, what: str) -> None:
        self.asked.append(what)
        if self.fail is not None:
            await self.fail(what)

    async def claim(self, worker: WorkerId, limit: int, lease_seconds: float) -> Sequence[Claim]:
        await self._asked("claim")
        return await self.queue.claim(worker, limit, lease_seconds)

    async def renew(self, worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
        await self._asked("renew")
        return await self.queue.renew(worker, leases, lease_seconds)

    async def release(self, lease: Lease) -> None:
        await self._asked("release")
        await self.queue.release(lease)

    async def give_back(self, worker: WorkerId, held: Collection[Lease]) -> int:
        await self._asked("give_back")
        return await self.queue.give_back(worker, held)

    async def begin_last(self, lease: Lease) -> bool:
        await self._asked("begin_last")
        return await self.queue.begin_last(lease)

    async def next_due(self) -> float | None:
        await self._asked("next_due")
        return await self.queue.next_due()

    async def depth(self) -> QueueDepth:
        await self._asked("depth")
        return await self.queue.depth()

    async def woken(self, timeout: float) -> None:
        await self._asked("woken")
        await self.queue.woken(timeout)


@dataclass
class Deaf(Watched):
    """Hears of nothing."""

    async def woken(self, timeout: float) -> None:
        await asyncio.sleep(timeout)


class TestTaking:
    async def test_a_run_is_taken_the_moment_it_is_ordered(self, stage: Stage) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        async with working(stage.worker()):
            await asyncio.sleep(10)
            run = await stage.ended(await stage.order(ONE))

        assert (run.status, run.ended_at) == ("completed", run.created_at)

    async def test_no_more_runs_than_it_has_slots(self, stage: Stage) -> None:
        gates: dict[str, Gate] = {}

        async def act(context: NodeContext) -> Outcome:
            return await gates.setdefault(context.run, Gate())(context)

        stage.does(a=act)
        runs = [await stage.order(ONE) for _ in range(5)]
        async with working(stage.worker(runs=2)):
            await asyncio.sleep(10)
            assert list(gates) == runs[:2]
            gates[runs[1]].opened.set()
            await stage.ended(runs[1])
            await asyncio.sleep(1)
            assert list(gates) == runs[:3]
            for run in runs:
                gates.setdefault(run, Gate()).opened.set()
            assert [(await stage.ended(run)).status for run in runs] == ["completed"] * 5

    async def test_two_workers_share_the_work_and_do_nothing_twice(self, stage: Stage) -> None:
        tried: list[str] = []

        async def act(context: NodeContext) -> Outcome:
            tried.append(context.run)
            await asyncio.sleep(1)
            return Finished()

        stage.does(a=act, b=act)
        runs = [await stage.order(TWO) for _ in range(20)]
        async with working(stage.worker("v", runs=3)), working(stage.worker("w", runs=3)):
            for run in runs:
                assert (await stage.ended(run)).status == "completed"

        assert sorted(tried) == sorted(runs * 2)

    async def test_a_worker_with_nothing_to_do_asks_seldom(self, stage: Stage) -> None:
        queue = Watched(stage.store.queue)
        async with working(stage.worker(queue=queue, poll_seconds=0.5)):
            await asyncio.sleep(100)

        assert queue.asked.count("claim") <= 205

    async def test_it_wakes_when_the_next_run_is_due(self, stage: Stage) -> None:
        async with working(stage.worker(poll_seconds=1000)):
            run = await stage.ended(await stage.order(document({"w": {"kind": "wait", "seconds": 42}}, ["start > w"])))

        assert run.status == "completed"
        assert 42 <= time() < 42.1

    async def test_what_waits_is_measured(self, stage: Stage) -> None:
        stage.does(a=Gate())
        for _ in range(3):
            await stage.order(ONE)
        async with working(stage.worker(runs=1, grace_seconds=0)):
            await asyncio.sleep(6)

        assert (stage.meter.depths[-1].waiting, stage.meter.depths[-1].claimed) == (2, 1)


class TestStopping:
    async def test_what_runs_comes_to_a_row_and_nothing_new_starts(self, stage: Stage) -> None:
        a, b = Gate(), Gate()
        stage.does(a=a, b=b)
        run = await stage.order(TWO)
        worker = stage.worker()
        async with working(worker) as task:
            await a.began.wait()
            worker.stop()
            later = await stage.order(ONE)
            await asyncio.sleep(1)
            assert not task.done()
            a.opened.set()

        assert await stage.story(run) == ["run_started", "node_finished /a#1"]
        assert not b.began.is_set()
        assert [(await stage.run(one)).status for one in (run, later)] == ["running", "queued"]

    async def test_another_worker_goes_on_at_once_and_repeats_nothing(self, stage: Stage) -> None:
        a, b = Gate(), Gate()
        stage.does(a=a, b=b)
        run = await stage.order(TWO)
        first = stage.worker("first")
        async with working(first):
            await a.began.wait()
            first.stop()
            a.opened.set()
        b.opened.set()
        began = time()
        async with working(stage.worker("second")):
            assert (await stage.ended(run)).status == "completed"

        assert await stage.story(run) == ["run_started", "node_finished /a#1", "node_finished /b#1", "run_ended"]
        assert (time(), stage.meter.takeovers) == (began, 0)

    async def test_an_effect_that_waited_for_the_store_does_not_start_any_more(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(e=gate)

        async def slow(append: Append) -> None:
            await asyncio.sleep(5)

        stage.journal.before = slow
        run = await stage.order(document({"t": {"kind": "transform"}, "e": {"kind": "effect"}}, ["start > t", "t > e"]), durability="exit")
        async with working(stage.worker()):
            await asyncio.sleep(2)

        assert (gate.began.is_set(), (await stage.run(run)).status) == (False, "running")

    async def test_after_the_grace_what_still_runs_is_stopped_and_handed_back(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(a=gate)
        run = await stage.order(ONE)
        async with working(stage.worker(grace_seconds=3)):
            await gate.began.wait()

        assert (time(), gate.ended.is_set(), await stage.story(run)) == (3.0, True, ["run_started"])
        (claim,) = await stage.store.queue.claim(WorkerId("other"), 1, 30)
        assert (claim.run.id, claim.taken_over) == (run, False)

    async def test_abort_does_not_wait(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(a=gate)
        run = await stage.order(ONE)
        worker = stage.worker(grace_seconds=100)
        async with working(worker):
            await gate.began.wait()
            worker.stop()
            worker.abort()

        assert (time(), gate.ended.is_set()) == (0.0, True)
        assert [claim.run.id for claim in await stage.store.queue.claim(WorkerId("other"), 1, 30)] == [run]

    async def test_a_worker_that_is_cancelled_leaves_nothing_behind(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(a=gate)
        run = await stage.order(ONE)
        task = asyncio.create_task(stage.worker(grace_seconds=3).run())
        await gate.began.wait()
        task.cancel()
        await asyncio.wait([task])

        assert (task.cancelled(), gate.ended.is_set()) == (True, True)
        assert [claim.run.id for claim in await stage.store.queue.claim(WorkerId("other"), 1, 30)] == [run]

    async def test_a_parked_run_is_none_of_its_business(self, stage: Stage) -> None:
        run = await stage.order(document({"w": {"kind": "wait", "seconds": 1000}}, ["start > w"]))
        async with working(stage.worker()):
            await asyncio.sleep(1)

        assert (await stage.run(run)).status == "parked"

    async def test_a_sleeper_is_handed_back_at_once(self, stage: Stage) -> None:
        run = await stage.order(document({"w": {"kind": "wait", "seconds": 4}}, ["start > w"]))
        async with working(stage.worker()):
            await asyncio.sleep(1)

        assert ((await stage.run(run)).status, time()) == ("running", 1.0)

    async def test_a_part_of_it_that_dies_takes_it_down_and_its_runs_are_handed_back(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(a=gate)
        run = await stage.order(ONE)

        async def fail(what: str) -> None:
            if what == "depth":
                raise ValueError("a bug")

        async with working(stage.worker(queue=Watched(stage.store.queue, fail), grace_seconds=1)) as task:
            await asyncio.wait([task])

        assert isinstance(task.exception(), ValueError)
        assert [claim.run.id for claim in await stage.store.queue.claim(WorkerId("other"), 1, 30)] == [run]


class TestLeases:
    async def test_a_run_that_takes_long_is_kept(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(a=gate)
        run = await stage.order(ONE)
        async with (
            working(stage.worker("v", lease_seconds=3, grace_seconds=0)),
            working(stage.worker("w", lease_seconds=3, grace_seconds=0)),
        ):
            await asyncio.sleep(60)
            gate.opened.set()
            await stage.ended(run)

        assert stage.meter.takeovers == 0

    async def test_a_run_that_loads_slowly_is_kept(self, stage: Stage) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        first = await stage.play(ONE)
        run = await stage.order(ONE, thread=first.thread)

        async def slowly() -> None:
            await asyncio.sleep(20)

        stage.journal.before_load = slowly
        async with working(stage.worker("v", lease_seconds=3)), working(stage.worker("w", lease_seconds=3)):
            await stage.ended(run)

        assert stage.meter.takeovers == 0

    async def test_runs_whose_claim_was_made_and_its_answer_lost_are_carried_at_once(self, stage: Stage) -> None:
        class Deafened(Watched):
            """Three claims are made, and their answers lost."""

            async def claim(self, worker: WorkerId, limit: int, lease_seconds: float) -> Sequence[Claim]:
                claims = await Watched.claim(self, worker, limit, lease_seconds)
                if claims and self.asked.count("give_back") < 3:
                    raise DatabaseError("cut")
                return claims

        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        run = await stage.order(ONE)
        async with working(stage.worker("deafened", Deafened(stage.store.queue), lease_seconds=600)):
            assert (await stage.ended(run)).status == "completed"

        assert time() < 10
        assert stage.meter.takeovers == 0

    async def test_a_worker_that_is_cut_off_stops_and_another_goes_on(self, stage: Stage) -> None:
        gates: list[Gate] = []

        async def act(context: NodeContext) -> Outcome:
            gates.append(Gate())
            return await gates[-1](context)

        async def cut_off(what: str) -> None:
            if time() > 1:
                raise DatabaseError("cut off")

        stage.does(a=act)
        run = await stage.order(ONE)
        async with working(stage.worker("old", Watched(stage.store.queue, cut_off), lease_seconds=3, grace_seconds=1)):
            await asyncio.sleep(2)
            async with working(stage.worker("new", lease_seconds=3)):
                await asyncio.sleep(10)
                gates[1].opened.set()
                assert (await stage.ended(run)).status == "completed"
                gates[0].opened.set()

        assert (len(gates), stage.meter.takeovers) == (2, 1)
        assert await stage.story(run) == ["run_started", "node_finished /a#1", "run_ended"]

    async def test_a_worker_that_learns_of_its_loss_stops_what_it_ran(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(a=gate)
        await stage.order(ONE)
        async with working(stage.worker(lease_seconds=6)):
            await gate.began.wait()
            (place,) = stage.journal.journal.book.line.claimed.values()
            place.until = 0.0
            (claim,) = await stage.store.queue.claim(WorkerId("other"), 1, 600)
            await asyncio.sleep(3)
            assert (claim.taken_over, gate.ended.is_set()) == (True, True)

    async def test_tokens_that_a_worker_spent_before_its_loss_are_counted_once(self, stage: Stage) -> None:
        gate = Gate(usage=Usage("m", 3, 4))
        stage.does(a=gate)
        run = await stage.order(ONE)
        async with working(stage.worker(lease_seconds=6)):
            await gate.began.wait()
            (place,) = stage.journal.journal.book.line.claimed.values()
            place.until = 0.0
            await stage.store.queue.claim(WorkerId("other"), 1, 600)
            await asyncio.sleep(3)

        assert await stage.usage(run) == [("/a#1", 1, 7)]
        assert await stage.story(run) == ["run_started"]

    async def test_tokens_are_counted_when_the_store_answers_again(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        ledger = type(stage.store.usage)
        count = ledger.count

        async def away(self: UsageLedger, rows: Sequence[UsageRow]) -> None:
            if time() < 10:
                raise DatabaseError("away")
            await count(self, rows)

        monkeypatch.setattr(ledger, "count", away)
        gate = Gate(usage=Usage("m", 3, 4))
        stage.does(a=gate)
        run = await stage.order(ONE)
        worker = stage.worker(lease_seconds=600)
        async with working(worker):
            await gate.began.wait()
            worker._lost(list(worker.leases))
            await asyncio.sleep(20)

        assert await stage.usage(run) == [("/a#1", 1, 7)]

    async def test_tokens_of_an_answer_that_came_with_the_loss_are_counted(self, stage: Stage) -> None:
        gate = Gate()

        async def act(context: NodeContext) -> Outcome:
            await gate(context)
            return Finished(None, Usage("m", 3, 4))

        stage.does(a=act)
        run = await stage.order(ONE)
        worker = stage.worker(lease_seconds=6)
        async with working(worker):
            await gate.began.wait()
            gate.opened.set()
            worker._lost(list(worker.leases))
            await asyncio.sleep(1)

        assert await stage.usage(run) == [("/a#1", 1, 7)]
        assert await stage.story(run) == ["run_started"]

    async def test_a_worker_that_takes_its_own_lapsed_run_again_keeps_the_new_lease(self, stage: Stage) -> None:
        """It was asleep for longer than a lease: the old drive's end must not take the new one's place from it."""
        gates: list[Gate] = []

        async def act(context: NodeContext) -> Outcome:
            gates.append(Gate())
            return await gates[-1](context)

        stage.does(a=act)
        run = await stage.order(ONE)
        worker = stage.worker(lease_seconds=6)
        async with working(worker):
            await asyncio.sleep(0.1)
            (place,) = stage.journal.journal.book.line.claimed.values()
            place.until = 0.0
            await asyncio.sleep(1)
            assert len(gates) == 2
            gates[0].opened.set()
            await asyncio.sleep(30)
            assert ([lease.epoch for lease in worker.drives], stage.meter.takeovers) == ([2], 1)
            gates[1].opened.set()
            assert (await stage.ended(run)).status == "completed"


class TestDatabaseAway:
    async def test_it_waits_and_says_so(self, stage: Stage) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)

        async def away(what: str) -> None:
            if time() < 30:
                raise DatabaseError("away")

        queue = Watched(stage.store.queue, away)
        run = await stage.order(ONE)
        async with working(stage.worker(queue=queue, poll_seconds=1)):
            assert (await stage.ended(run)).status == "completed"

        assert 30 <= time() < 32
        assert queue.asked.count("claim") < 40
        assert "waiting for the database" in {entry["event"] for entry in stage.logs}

    @pytest.mark.parametrize("waited", [0.0, 0.1, 30.3])
    async def test_with_every_wake_up_dropped_a_run_begins_a_poll_interval_later_at_most(self, stage: Stage, waited: float) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        async with working(stage.worker(queue=Deaf(stage.store.queue), poll_seconds=2)):
            await asyncio.sleep(1 + waited)
            ordered = time()
            assert (await stage.ended(await stage.order(ONE))).status == "completed"

        assert time() - ordered <= 2 + 1

    async def test_a_wake_up_line_that_is_broken_makes_no_haste(self, stage: Stage) -> None:
        async def broken(what: str) -> None:
            if what == "woken":
                raise DatabaseError("broken")

        queue = Watched(stage.store.queue, broken)
        async with working(stage.worker(queue=queue, poll_seconds=1)):
            await asyncio.sleep(50)

        assert queue.asked.count("claim") < 60

    async def test_it_can_be_stopped_meanwhile(self, stage: Stage) -> None:
        async def away(what: str) -> None:
            raise DatabaseError("away")

        async with working(stage.worker(queue=Watched(stage.store.queue, away), poll_seconds=10)):
            await asyncio.sleep(1)

        assert time() == 1.0

    async def test_a_run_that_cannot_be_loaded_now_is_handed_back(self, stage: Stage) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        first = await stage.play(ONE)

        async def away() -> None:
            if time() < 5:
                raise DatabaseError("away")

        stage.journal.before_load = away
        run = await stage.order(ONE, thread=first.thread)
        async with working(stage.worker()):
            assert (await stage.ended(run)).status == "completed"

        assert 5 <= time() < 7

    async def test_a_lease_that_could_not_be_given_back_is_as_soon_as_it_can(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(a=gate)
        await stage.order(ONE)

        async def away(what: str) -> None:
            if what == "release":
                raise DatabaseError("away")

        async with working(stage.worker(queue=Watched(stage.store.queue, away), grace_seconds=0)):
            await gate.began.wait()

        assert "a run could not be handed back; it is with the next claim" in {entry["event"] for entry in stage.logs}
        assert "drive died" not in {entry["event"] for entry in stage.logs}
        (again,) = await stage.store.queue.claim(WorkerId("another"), 1, 1.0)
        assert (again.taken_over, again.deliveries) == (False, 1)

    async def test_a_run_on_its_last_delivery_is_taken_alone(self, stage: Stage) -> None:
        gate, opened = Gate(), asyncio.Event()
        gate.opened.set()
        stage.does(a=gate)
        risky = await stage.order(ONE)
        for number in range(2):
            await stage.store.queue.claim(WorkerId(f"lost {number}"), 1, 0.0)
        others = [await stage.order(ONE) for _ in range(3)]
        writing = held_writing(stage, opened)
        async with working(stage.worker()):
            await asyncio.sleep(0.3)
            first = list(writing)
            opened.set()
            ended = [(await stage.ended(run)).status for run in (risky, *others)]

        assert (first, ended) == ([risky], ["completed"] * 4)

    @pytest.mark.parametrize("fails", ["begin_last", "give_back"])
    async def test_what_cannot_be_put_in_order_now_is_given_back_and_tried_again(self, stage: Stage, fails: str) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        runs = [await stage.order(ONE) for _ in range(3)]
        for number in range(2):
            await stage.store.queue.claim(WorkerId(f"lost {number}"), 3, 0.0)

        async def away(what: str) -> None:
            if what == fails and time() < 3:
                raise DatabaseError("away")

        async with working(stage.worker(queue=Watched(stage.store.queue, away))):
            assert [(await stage.ended(run)).status for run in runs] == ["completed"] * 3


class TestCancel:
    async def test_a_run_at_work_is_cancelled_within_two_seconds(self, stage: Stage) -> None:
        gate = Gate(usage=Usage("m", 1, 1))
        stage.does(a=gate)
        run = await stage.order(ONE)
        async with working(stage.worker()):
            await asyncio.sleep(10)
            await stage.ask(run)
            found = await stage.ended(run)

        assert (found.status, time(), found.usage.total_tokens) == ("cancelled", 10.0, 2)

    async def test_a_run_that_waits_for_a_slot(self, stage: Stage) -> None:
        gate = Gate()
        stage.does(a=gate)
        await stage.order(ONE)
        queued = await stage.order(ONE)
        async with working(stage.worker(runs=1, grace_seconds=100)):
            await gate.began.wait()
            await stage.ask(queued)
            gate.opened.set()
            assert (await stage.ended(queued)).status == "cancelled"

        assert await stage.story(queued) == ["run_started", "cancel_requested", "run_ended"]

    async def test_a_parked_run(self, stage: Stage) -> None:
        run = await stage.order(document({"w": {"kind": "wait", "seconds": 1000}}, ["start > w"]))
        async with working(stage.worker()):
            await asyncio.sleep(10)
            assert (await stage.run(run)).status == "parked"
            await stage.ask(run)
            assert (await stage.ended(run)).status == "cancelled"

        assert time() < 12

    async def test_a_wish_that_comes_while_the_run_is_parking(self, stage: Stage) -> None:
        """The worker has not seen it, and lets go of the run: it must be taken up again."""
        run = await stage.order(document({"w": {"kind": "wait", "seconds": 1000}}, ["start > w"]))

        async def ask(append: Append) -> None:
            if append.release_at is not None and append.run is not None and append.run.status is RunStatus.PARKED:
                await stage.ask(run)

        stage.journal.before = ask
        async with working(stage.worker()):
            assert (await stage.ended(run, within=5)).status == "cancelled"


class TestBadRuns:
    async def test_a_run_that_no_journal_can_hold_fails_and_is_not_tried_for_ever(self, stage: Stage) -> None:
        tried: list[str] = []

        async def act(context: NodeContext) -> Outcome:
            tried.append(context.activation)
            return Finished("\ud800")

        stage.does(a=act)

        async def hold(append: Append) -> None:
            for event in append.events:
                encode(event)

        stage.journal.before = hold
        graph = document(
            {"a": {"kind": "act", "writes": {"x": "${output}"}}, "b": {"kind": "transform"}}, ["start > a", "a > b"], state={"x": {}}
        )
        run = await stage.order(graph)
        async with working(stage.worker()):
            found = await stage.ended(run)

        assert found.failure is not None
        assert (found.status, found.failure.code, tried) == ("failed", "serialization_failed", ["/a#1"])
        assert await stage.story(run) == ["run_started", "run_ended"]

    async def test_one_that_cannot_be_loaded_is_refused_and_the_others_go_on(self, stage: Stage) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        bad = await stage.order(document({"w": {"kind": "workflow", "workflow": "gone"}}, ["start > w"]))
        good = await stage.order(ONE)
        async with working(stage.worker()):
            found = await stage.ended(bad)
            assert (await stage.ended(good)).status == "completed"

        assert found.failure is not None
        assert (found.status, found.failure.code) == ("failed", "workflow_not_found")

    async def test_a_run_that_three_workers_died_of_is_ended_and_the_others_go_on(self, stage: Stage) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        poison = await stage.order(ONE)
        *_, (last,) = [await stage.store.queue.claim(WorkerId(f"lost {number}"), 1, 0.0) for number in range(3)]
        assert await stage.store.queue.begin_last(last.lease)
        good = await stage.order(ONE)
        async with working(stage.worker()):
            found = await stage.ended(poison)
            assert (await stage.ended(good)).status == "completed"

        assert found.failure is not None
        assert (found.status, found.failure.code) == ("failed", "poisoned")
        assert await stage.story(poison) == ["run_ended"]

    async def test_a_run_that_two_workers_died_of_is_tried_once_more(self, stage: Stage) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        run = await stage.order(ONE)
        for number in range(2):
            assert await stage.store.queue.claim(WorkerId(f"lost {number}"), 1, 0.0)
        async with working(stage.worker()):
            assert (await stage.ended(run)).status == "completed"

    async def test_a_worker_that_is_lost_before_it_begins_a_last_delivery_counts_for_nothing(self, stage: Stage) -> None:
        gates = {"a": Gate(), "b": Gate()}
        for gate in gates.values():
            gate.opened.set()
        stage.does(**gates)
        runs = [await stage.order(document({name: {"kind": "act"}}, [f"start > {name}"])) for name in gates]
        for number in range(5):
            assert len(await stage.store.queue.claim(WorkerId(f"lost {number}"), 2, 0.0)) == 2
        async with working(stage.worker()):
            assert [(await stage.ended(run)).status for run in runs] == ["completed", "completed"]

    async def test_runs_on_their_last_delivery_are_not_risked_together(self, stage: Stage) -> None:
        gate, opened = Gate(), asyncio.Event()
        gate.opened.set()
        stage.does(a=gate)
        runs = [await stage.order(ONE) for _ in range(3)]
        for number in range(2):
            assert len(await stage.store.queue.claim(WorkerId(f"lost {number}"), 3, 0.0)) == 3
        writing = held_writing(stage, opened)
        async with working(stage.worker()):
            await asyncio.sleep(0.3)
            first = list(writing)
            opened.set()
            ended = [(await stage.ended(run)).status for run in runs]

        assert (len(first), ended) == (1, ["completed"] * 3)

    async def test_a_refusal_that_cannot_be_written_now_is_tried_again(self, stage: Stage) -> None:
        async def away(append: Append) -> None:
            if time() < 5:
                raise DatabaseError("away")

        stage.journal.before = away
        bad = await stage.order(document({"w": {"kind": "workflow", "workflow": "gone"}}, ["start > w"]))
        async with working(stage.worker()):
            assert (await stage.ended(bad)).status == "failed"

        assert time() < 7
        assert "drive died" not in {entry["event"] for entry in stage.logs}

    async def test_a_bug_in_one_run_hurts_no_other(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        gate = Gate()
        gate.opened.set()
        stage.does(a=gate)
        bad = await stage.order(document({"t": {"kind": "transform"}}, ["start > t"]))
        monkeypatch.setattr("application.deciding.finished", None)
        async with working(stage.worker(lease_seconds=1000)):
            await asyncio.sleep(1)
            monkeypatch.undo()
            assert (await stage.ended(await stage.order(ONE))).status == "completed"

        found = await stage.run(bad)
        assert (found.status, found.failure and found.failure.code) == ("failed", "internal")
        assert "a bug of Weft ends the run" in {entry["event"] for entry in stage.logs}


async def test_a_worker_tells_for_how_long_its_runs_have_come_to_no_row(stage: Stage) -> None:
    first, second = Gate(), Gate()
    stage.does(a=first, b=second)
    await stage.order(TWO)

    seen: list[list[float]] = []
    async with working(stage.worker(gauge_seconds=5.0)):
        await first.began.wait()
        await stage.clock.sleep(903)
        seen.append(stage.meter.quiet)
        first.opened.set()
        await stage.clock.sleep(20)
        seen.append(stage.meter.quiet)
        second.opened.set()
        await stage.clock.sleep(20)
        seen.append(stage.meter.quiet)

    assert seen == [[895.0], [15.0], []]
