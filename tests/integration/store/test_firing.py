"""Schedules that come due, over every store: each due time is one run, whoever looks and whoever dies."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from application.firing import HOLD, FireSchedules
from application.flow import MakeTerms
from application.launching import LaunchRun
from application.making_way import MakeWay
from application.placing import FindPlace
from application.runs import CancelRun, FindWorkflow, StartRun
from domain.errors import DatabaseError
from domain.ids import RunId, TenantId
from domain.ports.repositories import RunFilter
from domain.run.run import Run
from domain.schedule import Firing, Overlap, Schedule
from infrastructure.calendar import CronCalendar
from infrastructure.expressions import CelExpressions
from infrastructure.ids import new_id
from infrastructure.schemas import JsonSchemas
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, LONG, NOON, a_tenant, a_version, finish
from tests.integration.store.test_schedules import a_schedule, firings_of, kept

START = NOON.replace(microsecond=0)


@dataclass
class HandClock:
    """Stands still until it is set."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Dying:
    """Launches as ever and dies, before or after it."""

    launch: LaunchRun
    after: bool

    async def __call__(self, schedule: Schedule, firing: Firing) -> Firing:
        if self.after:
            await self.launch(schedule, firing)
        raise RuntimeError("killed")


@dataclass
class Rig:
    store: Store
    clock: HandClock = field(default_factory=HandClock)
    tenant: TenantId = field(default_factory=a_tenant)

    def chore(self, store: Store | None = None) -> FireSchedules:
        """Another process's."""
        over = store or self.store
        find = FindWorkflow(over.workflows, None, None, self.clock)  # type: ignore[arg-type] # nothing is posted whole
        place = FindPlace(over.threads, over.sessions, over.inbox)
        terms, way = MakeTerms(CelExpressions()), MakeWay(over.runs, over.inbox)
        start = StartRun(over.runs, over.marks, over.journal, find, JsonSchemas(), terms, place, way, new_id, self.clock)
        cancel = CancelRun(over.runs, over.journal, over.inbox)
        launch = LaunchRun(start, self.clock)
        return FireSchedules(over.schedules, over.due, over.runs, launch, cancel, CronCalendar(), new_id, self.clock)

    async def schedule(self, **told: Any) -> Schedule:
        """Due every minute from now on, and its workflow is there."""
        await self.store.workflows.publish(a_version(self.tenant, "report"))
        due = {"due_at": START, "wake_at": START, "created_at": START, **told}
        return await kept(self.store, a_schedule(self.tenant, **due))

    async def turn(self, seconds: float = 0, chore: FireSchedules | None = None) -> None:
        """So much later: do what is due."""
        self.clock.forward(seconds)
        await (chore or self.chore()).turn()

    async def now(self, schedule: Schedule) -> Schedule:
        return await self.store.schedules.get(self.tenant, schedule.id)

    async def runs(self) -> Sequence[Run]:
        """Oldest first."""
        return (await self.store.runs.list(self.tenant, RunFilter(), 200, None)).items[::-1]

    async def told(self, schedule: Schedule) -> list[str]:
        """State and reason of each firing, oldest first."""
        found = await firings_of(self.store, schedule)
        return [f"{firing.state.value} {firing.failure.code if firing.failure else ''}".rstrip() for firing in reversed(found)]

    async def end(self, run: RunId) -> None:
        (claim,) = [claim for claim in await self.store.queue.claim(ANN, 50, LONG) if claim.run.id == run]
        await finish(self.store, claim)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What was logged; nothing of it is drawn, which takes seconds."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def rig(store: Store) -> Rig:
    return Rig(store)


async def test_a_due_time_starts_a_run_that_says_where_it_comes_from(rig: Rig) -> None:
    schedule = await rig.schedule(input={"x": 1}, metadata={"team": "north"})
    await rig.turn(0.5)
    (run,), (firing,) = await rig.runs(), await firings_of(rig.store, schedule)

    assert (run.workflow, run.input) == ("report@1.0.0", {"x": 1})
    assert run.metadata == {"team": "north", "schedule": schedule.id, "due": "2026-05-04T12:00:00Z"}
    assert (firing.run, firing.due, await rig.told(schedule)) == (run.id, START, ["started"])
    assert await rig.store.due.next_wake() == (await rig.now(schedule)).due_at == START + timedelta(minutes=1)


async def test_nothing_happens_before_its_time(rig: Rig) -> None:
    await rig.schedule(due_at=START + timedelta(seconds=0.4), wake_at=START + timedelta(seconds=0.4))

    assert await rig.chore().turn() == pytest.approx(0.4)
    assert await rig.runs() == ()


async def test_of_many_that_look_at_once_each_due_time_is_one_run(rig: Rig, beside: Store) -> None:
    schedules = [await rig.schedule(every_seconds=1, overlap=Overlap.ALLOW) for _ in range(3)]
    chores = [rig.chore(), rig.chore(beside), rig.chore(), rig.chore(beside)]
    for _ in range(6):
        await asyncio.gather(*(chore.turn() for chore in chores))
        rig.clock.forward(1)

    started = [(run.metadata["schedule"], run.metadata["due"]) for run in await rig.runs()]
    assert len(started) == len(set(started)) == 18
    for schedule in schedules:
        assert await rig.told(schedule) == ["started"] * 6


@pytest.mark.parametrize("after", [False, True], ids=["before its run is started", "after its run is started"])
@pytest.mark.parametrize("outage", [HOLD.total_seconds(), 25 * 3600], ids=["at once", "when the marks of starts are forgotten"])
async def test_what_a_process_that_died_had_begun_is_one_run(rig: Rig, after: bool, outage: float) -> None:
    schedule = await rig.schedule(every_seconds=7 * 86_400)
    chore = rig.chore()
    await rig.turn(chore=replace(chore, launch=Dying(chore.launch, after)))  # type: ignore[arg-type]
    assert await rig.told(schedule) == ["due"]
    await rig.turn(HOLD.total_seconds() - 1)
    assert (await rig.told(schedule), len(await rig.runs())) == (["due"], int(after))
    await rig.turn(outage)

    (run,), (firing,) = await rig.runs(), await firings_of(rig.store, schedule)
    assert (firing.run, await rig.told(schedule)) == (run.id, ["started"])


async def test_one_that_was_changed_meanwhile_is_left_to_who_looks_next(rig: Rig) -> None:
    schedule = await rig.schedule()
    (taken,) = await rig.store.due.take(START, START + HOLD, 10)
    await rig.store.schedules.change(replace(taken, name="another", wake_at=START))
    stale = replace(rig.chore(), due=_Handing(taken))  # type: ignore[arg-type]
    await rig.turn(chore=stale)

    assert (await rig.runs(), await rig.told(schedule)) == ((), [])
    await rig.turn()
    assert await rig.told(schedule) == ["started"]


@dataclass(frozen=True)
class _Handing:
    """Hands out a schedule that somebody else has changed since."""

    taken: Schedule

    async def next_wake(self) -> datetime:
        return START

    async def take(self, now: datetime, until: datetime, limit: int) -> list[Schedule]:
        return [self.taken]

    async def open_firings(self, schedule: Schedule) -> list[Firing]:
        return []


async def test_skip_starts_nothing_while_a_run_goes_on(rig: Rig) -> None:
    schedule = await rig.schedule(overlap=Overlap.SKIP)
    for _ in range(3):
        await rig.turn()
        rig.clock.forward(60)
    (run,) = await rig.runs()
    await rig.end(run.id)
    await rig.turn()

    assert await rig.told(schedule) == ["started", "skipped overlap", "skipped overlap", "started"]
    assert len(await rig.runs()) == 2


async def test_allow_starts_them_side_by_side(rig: Rig) -> None:
    schedule = await rig.schedule(overlap=Overlap.ALLOW)
    for _ in range(3):
        await rig.turn()
        rig.clock.forward(60)

    assert (await rig.told(schedule), len(await rig.runs())) == (["started"] * 3, 3)


async def test_queue_one_lets_one_wait_and_starts_it_soon_after_the_end(rig: Rig) -> None:
    schedule = await rig.schedule(overlap=Overlap.QUEUE_ONE)
    for _ in range(3):
        await rig.turn()
        rig.clock.forward(60)
    assert await rig.told(schedule) == ["started", "waiting", "skipped overlap"]
    rig.clock.forward(-30)
    (run,) = await rig.runs()
    await rig.end(run.id)
    await rig.turn()

    assert await rig.told(schedule) == ["started", "started", "skipped overlap"]
    assert [run.metadata["due"] for run in await rig.runs()] == ["2026-05-04T12:00:00Z", "2026-05-04T12:01:00Z"]


async def test_cancel_previous_asks_the_run_before_it_to_stop_and_starts(rig: Rig) -> None:
    schedule = await rig.schedule(overlap=Overlap.CANCEL_PREVIOUS, name="nightly")
    await rig.turn()
    await rig.turn(60)
    first, second = await rig.runs()
    (wish,) = await rig.store.inbox.waiting([first.thread])

    assert (wish.kind, wish.run, wish.body["by"]) == ("cancel", first.id, "schedule:nightly")
    assert not await rig.store.inbox.waiting([second.thread])
    assert await rig.told(schedule) == ["started", "started"]


async def test_what_was_missed_is_said_once_and_not_made_up_for(rig: Rig) -> None:
    schedule = await rig.schedule()
    await rig.turn(60 * 60 + 5)

    assert await rig.told(schedule) == ["missed missed", "started"]
    assert [run.metadata["due"] for run in await rig.runs()] == ["2026-05-04T13:00:00Z"]


async def test_what_was_missed_is_made_up_for_where_that_is_asked(rig: Rig) -> None:
    schedule = await rig.schedule(catch_up_seconds=150, overlap=Overlap.ALLOW)
    await rig.turn(60 * 60 + 5)

    assert await rig.told(schedule) == ["missed missed", "started", "started", "started"]


async def test_ten_starts_that_fail_in_a_row_pause_it(rig: Rig) -> None:
    schedule = await rig.schedule(workflow="gone")
    for number in range(12):
        await rig.turn()
        assert (await rig.now(schedule)).paused == (number >= 9)
        rig.clock.forward(60)
    found = await rig.now(schedule)

    assert await rig.told(schedule) == ["failed workflow_not_found"] * 10
    assert "10 starts in a row failed, the last one with: there is no workflow gone" in found.pause_reason
    assert (found.due_at, found.wake_at) == (None, None)


async def test_a_schedule_that_ends_is_looked_at_no_more(rig: Rig) -> None:
    schedule = await rig.schedule(ends_at=START + timedelta(seconds=30))
    await rig.turn()

    assert ((await rig.now(schedule)).due_at, await rig.store.due.next_wake()) == (None, None)


async def test_what_waits_while_it_is_paused_is_skipped(rig: Rig) -> None:
    schedule = await rig.schedule(overlap=Overlap.QUEUE_ONE)
    await rig.turn()
    await rig.turn(60)
    assert await rig.told(schedule) == ["started", "waiting"]
    await rig.store.schedules.change(replace((await rig.now(schedule)).pause("lunch"), wake_at=rig.clock.now()))
    await rig.turn()

    assert await rig.told(schedule) == ["started", "skipped paused"]
    assert await rig.store.due.next_wake() is None


async def test_a_database_that_does_not_answer_is_no_failure_of_the_schedule(rig: Rig) -> None:
    schedule = await rig.schedule()

    class Silent:
        async def __call__(self, schedule: Schedule, firing: Firing) -> Firing:
            raise DatabaseError("the database does not answer")

    with pytest.raises(DatabaseError):
        await rig.turn(chore=replace(rig.chore(), launch=Silent()))  # type: ignore[arg-type]
    await rig.turn(HOLD.total_seconds())

    assert (await rig.told(schedule), (await rig.now(schedule)).failures) == (["started"], 0)


async def test_one_that_breaks_does_not_keep_the_others_waiting(rig: Rig) -> None:
    broken, sound = await rig.schedule(name="broken"), await rig.schedule(name="sound")
    chore = rig.chore()

    class Breaking:
        async def __call__(self, schedule: Schedule, firing: Firing) -> Firing:
            if schedule.name == "broken":
                raise RuntimeError("a bug")
            return await chore.launch(schedule, firing)

    await rig.turn(chore=replace(chore, launch=Breaking()))  # type: ignore[arg-type]

    assert (await rig.told(broken), await rig.told(sound)) == (["due"], ["started"])
