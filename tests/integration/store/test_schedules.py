"""What every store promises about schedules and their firings."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.errors import Failure, ScheduleNotFound, ValidationError
from domain.graph.flow import Priority
from domain.ids import RunId, ScheduleId, TenantId
from domain.schedule import Firing, FiringState, Overlap, Schedule
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_run, a_tenant, claimed, finish, started

LATER = NOON + timedelta(seconds=10)


def a_schedule(tenant: TenantId | None = None, **told: Any) -> Schedule:
    return replace(Schedule(ScheduleId(new_id()), tenant or a_tenant(), NOON, "report", every_seconds=60), **told)


async def kept(store: Store, schedule: Schedule | None = None) -> Schedule:
    made = schedule or a_schedule()
    await store.schedules.add(made)
    return made


def a_firing(schedule: Schedule, seconds: float = 0, state: FiringState = FiringState.DUE, **told: Any) -> Firing:
    return replace(Firing(schedule.id, NOON + timedelta(seconds=seconds), RunId(new_id()), state), **told)


async def fired(store: Store, schedule: Schedule, *firings: Firing) -> Schedule:
    """The schedule after these firings were kept."""
    assert await store.schedules.change(schedule, firings)
    return await store.schedules.get(schedule.tenant, schedule.id)


async def firings_of(store: Store, schedule: Schedule) -> Sequence[Firing]:
    return (await store.schedules.firings(schedule.tenant, schedule.id, 5_000, None)).items


async def test_a_schedule_comes_back_as_it_was_kept(store: Store) -> None:
    full = a_schedule(
        name="é ☃",
        input={"a": [1, {"b": None}]},
        cron="0 9 * * MON-FRI",
        every_seconds=None,
        time_zone="Europe/Berlin",
        starts_at=NOON + timedelta(microseconds=1),
        ends_at=NOON + timedelta(days=1),
        overlap=Overlap.QUEUE_ONE,
        catch_up_seconds=60,
        priority=Priority.HIGH,
        metadata={"team": "north"},
        paused=True,
        pause_reason="lunch",
        failures=3,
        due_at=NOON,
        wake_at=LATER,
    )
    for schedule in (full, a_schedule()):
        await store.schedules.add(schedule)
        assert await store.schedules.get(schedule.tenant, schedule.id) == schedule


async def test_one_that_is_there_stays_as_it_is(store: Store) -> None:
    schedule = await kept(store)
    await store.schedules.add(replace(schedule, name="another"))

    assert await store.schedules.get(schedule.tenant, schedule.id) == schedule


async def test_another_tenants_schedule_is_not_there(store: Store) -> None:
    schedule = await fired(store, await kept(store), a_firing(await kept(store)))
    other = a_tenant()

    with pytest.raises(ScheduleNotFound):
        await store.schedules.get(other, schedule.id)
    with pytest.raises(ScheduleNotFound):
        await store.schedules.remove(other, schedule.id)
    assert (await store.schedules.list(other, 10, None)).items == ()
    assert (await store.schedules.firings(other, schedule.id, 10, None)).items == ()


async def test_a_list_has_pages_the_newest_first(store: Store) -> None:
    tenant = a_tenant()
    made = [await kept(store, a_schedule(tenant, created_at=NOON + timedelta(seconds=n))) for n in range(5)]
    first = await store.schedules.list(tenant, 3, None)
    rest = await store.schedules.list(tenant, 3, first.next_cursor)

    assert [*first.items, *rest.items] == made[::-1]
    assert rest.next_cursor is None


async def test_firings_have_pages_too(store: Store) -> None:
    schedule = await kept(store)
    made = [a_firing(schedule, n, FiringState.SKIPPED, failure=Failure("overlap", "still going on"), manual=n == 2) for n in range(5)]
    await fired(store, schedule, *made)
    first = await store.schedules.firings(schedule.tenant, schedule.id, 3, None)
    rest = await store.schedules.firings(schedule.tenant, schedule.id, 3, first.next_cursor)

    assert [*first.items, *rest.items] == made[::-1]
    assert rest.next_cursor is None
    with pytest.raises(ValidationError):
        await store.schedules.firings(schedule.tenant, schedule.id, 3, "nonsense")


async def test_of_two_that_change_the_same_revision_one_does(store: Store, beside: Store) -> None:
    schedule = await kept(store)
    mine, other = a_firing(schedule, 0), a_firing(schedule, 1)
    changed = await asyncio.gather(
        store.schedules.change(replace(schedule, name="a"), [mine]), beside.schedules.change(replace(schedule, name="b"), [other])
    )
    found = await store.schedules.get(schedule.tenant, schedule.id)

    assert sorted(changed) == [False, True]
    assert (found.revision, found.name) == (1, "a" if changed[0] else "b")
    assert await firings_of(store, schedule) == (mine if changed[0] else other,)


async def test_a_due_time_is_one_firing_and_a_final_one_stays(store: Store) -> None:
    schedule = await kept(store)
    due = a_firing(schedule)
    schedule = await fired(store, schedule, due)
    begun = replace(due, state=FiringState.STARTED)
    schedule = await fired(store, schedule, begun)
    schedule = await fired(store, schedule, a_firing(schedule, state=FiringState.FAILED))

    assert await firings_of(store, schedule) == (begun,)


async def test_what_was_removed_is_gone_and_cannot_be_changed(store: Store) -> None:
    schedule = await kept(store)
    schedule = await fired(store, schedule, a_firing(schedule))
    await store.schedules.remove(schedule.tenant, schedule.id)

    with pytest.raises(ScheduleNotFound):
        await store.schedules.remove(schedule.tenant, schedule.id)
    assert not await store.schedules.change(schedule, [a_firing(schedule, 1)])
    assert await firings_of(store, schedule) == ()


async def test_the_newest_thousand_final_firings_stay_and_those_whose_run_goes_on(store: Store) -> None:
    schedule = await kept(store)
    run = await started(store, a_run(schedule.tenant))
    going = a_firing(schedule, 0, FiringState.STARTED, run=run.id)
    waiting = a_firing(schedule, 1, FiringState.WAITING)
    final = [a_firing(schedule, 2 + n, FiringState.SKIPPED) for n in range(1_003)]
    schedule = await fired(store, schedule, going, waiting, *final)
    schedule = await fired(store, schedule, a_firing(schedule, 2_000, FiringState.SKIPPED))
    found = await firings_of(store, schedule)

    assert len(found) == 1_002
    assert found[-2:] == (waiting, going)
    assert await store.due.unfinished(schedule) == [run.id]


async def test_when_the_first_one_wants_to_be_looked_at(store: Store) -> None:
    assert await store.due.next_wake() is None
    await kept(store)
    assert await store.due.next_wake() is None
    await kept(store, a_schedule(wake_at=LATER))
    await kept(store, a_schedule(wake_at=NOON))
    assert await store.due.next_wake() == NOON


async def test_what_was_taken_nobody_else_gets_before_its_time(store: Store, beside: Store) -> None:
    schedule = await kept(store, a_schedule(wake_at=NOON, due_at=NOON))
    await kept(store, a_schedule(wake_at=LATER))
    (taken,) = await store.due.take(NOON, LATER, 10)

    assert taken == replace(schedule, wake_at=LATER, revision=1)
    assert await beside.due.take(LATER - timedelta(microseconds=2), LATER, 10) == []
    assert not await beside.schedules.change(schedule)
    assert {found.id for found in await beside.due.take(LATER, LATER + timedelta(1), 10)} >= {schedule.id}


async def test_many_that_take_at_once_never_get_the_same(store: Store, beside: Store) -> None:
    made = {(await kept(store, a_schedule(wake_at=NOON))).id for _ in range(30)}
    found: list[ScheduleId] = []

    async def take_all(of: Store) -> None:
        while await store.due.next_wake() == NOON:
            found.extend(schedule.id for schedule in await of.due.take(NOON, LATER, 4))

    await asyncio.gather(*(take_all(of) for of in (store, beside, store, beside)))
    assert sorted(found) == sorted(made)


async def test_the_longest_due_are_taken_first_and_no_more_than_asked_for(store: Store) -> None:
    made = [await kept(store, a_schedule(wake_at=NOON - timedelta(seconds=n))) for n in range(4)]

    assert {taken.id for taken in await store.due.take(NOON, LATER, 2)} == {made[2].id, made[3].id}


async def test_open_firings_come_oldest_first(store: Store) -> None:
    schedule = await kept(store)
    states = [FiringState.DUE, FiringState.STARTED, FiringState.WAITING, FiringState.MISSED]
    firings = [a_firing(schedule, -n, state) for n, state in enumerate(states)]
    schedule = await fired(store, schedule, *firings)
    other = await kept(store)
    await fired(store, other, a_firing(other))

    assert await store.due.open_firings(schedule) == [firings[2], firings[0]]


async def test_runs_of_its_firings_that_are_not_over_oldest_first(store: Store) -> None:
    schedule = await kept(store)
    runs = [await started(store, a_run(schedule.tenant))]
    over = await finish(store, await claimed(store))
    runs += [await started(store, a_run(schedule.tenant)) for _ in range(2)]
    firings = [a_firing(schedule, n, FiringState.STARTED, run=run.id) for n, run in enumerate(runs)]
    lost = a_firing(schedule, 9, FiringState.STARTED)
    schedule = await fired(store, schedule, *firings, lost, a_firing(schedule, 10))

    assert over.id == runs[0].id
    assert await store.due.unfinished(schedule) == [runs[1].id, runs[2].id]


@pytest.mark.parametrize("microseconds", [0, 1, 333_333, 999_999])
async def test_a_due_time_keeps_its_microseconds(store: Store, microseconds: int) -> None:
    schedule = await kept(store)
    due = datetime(2026, 7, 1, 1, 2, 3, microseconds, NOON.tzinfo)
    await fired(store, schedule, a_firing(schedule, due=due, manual=True))

    (found,) = await firings_of(store, schedule)
    assert (found.due, found.manual) == (due, True)
