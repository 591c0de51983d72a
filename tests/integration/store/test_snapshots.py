"""What every store promises about snapshots."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Fenced, SnapshotNotFound, ThreadNotFound
from domain.ids import Epoch, Position, SnapshotId, TenantId
from domain.ports.snapshots import SnapshotFilter
from domain.snapshot import CheckpointType, SnapshotMetadata, ThreadSnapshot
from domain.thread import Thread
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_claim, a_result, a_tenant, a_thread, append

ALL = SnapshotFilter()


async def an_open_thread(store: Store, tenant: TenantId | None = None) -> Thread:
    thread = a_thread(tenant or a_tenant())
    await store.threads.add(thread)
    return thread


def a_snapshot(thread: Thread, *tags: str, **told: Any) -> ThreadSnapshot:
    data = '{"notes":["é ☃"]}'.encode()
    about = SnapshotMetadata("before the call", "what she said", tags, len(data))
    made = ThreadSnapshot(SnapshotId(new_id()), thread.tenant, thread.id, Position(3), NOON, "ann", data, metadata=about)
    return replace(made, **told)


async def kept(store: Store, thread: Thread, wanted: SnapshotFilter = ALL) -> list[SnapshotId]:
    page = await store.snapshots.list(thread.tenant, thread.id, wanted, 100, None)
    return [snapshot.id for snapshot in page.items]


async def test_it_comes_back_as_it_was_taken(store: Store) -> None:
    thread = await an_open_thread(store)
    taken = a_snapshot(thread, "a", "b", checkpoint_type=CheckpointType.BEFORE_TOOL, expires_at=NOON + timedelta(days=1))
    await store.snapshots.add(taken)

    assert await store.snapshots.get(thread.tenant, thread.id, taken.id) == taken
    (listed,) = (await store.snapshots.list(thread.tenant, thread.id, ALL, 10, None)).items
    assert listed == replace(taken, data=b"")


async def test_one_that_is_there_stays_as_it_is(store: Store) -> None:
    thread = await an_open_thread(store)
    taken = a_snapshot(thread)
    await store.snapshots.add(taken)
    await store.snapshots.add(replace(taken, data=b"{}", by="bob"))

    assert await store.snapshots.get(thread.tenant, thread.id, taken.id) == taken


async def test_nobody_sees_another_tenants_or_one_of_another_thread(store: Store) -> None:
    thread = await an_open_thread(store)
    other = await an_open_thread(store, thread.tenant)
    taken = a_snapshot(thread)
    await store.snapshots.add(taken)

    for tenant, where in ((a_tenant(), thread.id), (thread.tenant, other.id)):
        with pytest.raises(SnapshotNotFound):
            await store.snapshots.get(tenant, where, taken.id)
        with pytest.raises(SnapshotNotFound):
            await store.snapshots.remove(tenant, where, taken.id)
        assert not (await store.snapshots.list(tenant, where, ALL, 10, None)).items
    with pytest.raises(ThreadNotFound):
        await store.snapshots.add(a_snapshot(replace(thread, tenant=a_tenant())))


async def test_the_newest_come_first_page_by_page(store: Store) -> None:
    thread = await an_open_thread(store)
    taken = [a_snapshot(thread, created_at=NOON + timedelta(seconds=number // 2)) for number in range(5)]
    for snapshot in taken:
        await store.snapshots.add(snapshot)
    wanted = [one.id for one in sorted(taken, key=lambda one: (one.created_at, one.id), reverse=True)]

    found: list[SnapshotId] = []
    cursor = None
    while len(found) < 5:
        page = await store.snapshots.list(thread.tenant, thread.id, ALL, 2, cursor)
        found += [snapshot.id for snapshot in page.items]
        cursor = page.next_cursor
    assert found == wanted
    assert cursor is None


async def test_they_are_found_by_tag_by_type_and_while_they_last(store: Store) -> None:
    thread = await an_open_thread(store)
    good, better, best = (
        a_snapshot(thread, "good", created_at=NOON),
        a_snapshot(thread, "Good", "go", created_at=NOON + timedelta(1), checkpoint_type=CheckpointType.ERROR),
        a_snapshot(thread, "good", "50%", created_at=NOON + timedelta(2), expires_at=NOON + timedelta(3)),
    )
    for snapshot in (good, better, best):
        await store.snapshots.add(snapshot)

    cases = {
        SnapshotFilter(tag="good"): [best.id, good.id],
        SnapshotFilter(tag="go"): [better.id],
        SnapshotFilter(tag="%"): [],
        SnapshotFilter(tag="50%"): [best.id],
        SnapshotFilter(checkpoint_type=CheckpointType.ERROR): [better.id],
        SnapshotFilter(unexpired_at=NOON + timedelta(3)): [better.id, good.id],
        SnapshotFilter("good", CheckpointType.MANUAL, NOON): [best.id, good.id],
    }
    assert {wanted: await kept(store, thread, wanted) for wanted in cases} == cases


async def test_one_can_be_removed_once(store: Store) -> None:
    thread = await an_open_thread(store)
    taken = a_snapshot(thread)
    await store.snapshots.add(taken)
    await store.snapshots.remove(thread.tenant, thread.id, taken.id)

    assert not await kept(store, thread)
    with pytest.raises(SnapshotNotFound):
        await store.snapshots.remove(thread.tenant, thread.id, taken.id)


async def test_what_has_expired_is_forgotten_in_batches_the_oldest_first(store: Store) -> None:
    thread = await an_open_thread(store)
    ends = [NOON + timedelta(hours=hour) for hour in (3, 1, 2, 9)]
    taken = [a_snapshot(thread, expires_at=end) for end in ends] + [a_snapshot(thread)]
    for snapshot in taken:
        await store.snapshots.add(snapshot)
    then = NOON + timedelta(hours=4)

    assert await store.snapshots.forget(then, 2) == 2
    assert set(await kept(store, thread)) == {taken[0].id, taken[3].id, taken[4].id}
    assert [await store.snapshots.forget(then, 2) for _ in range(2)] == [1, 0]
    assert set(await kept(store, thread)) == {taken[3].id, taken[4].id}


async def test_those_of_a_run_come_with_its_rows_or_not_at_all(store: Store) -> None:
    claim = await a_claim(store)
    thread = await store.threads.get(claim.run.tenant, claim.run.thread)
    mine = [a_snapshot(thread, created_at=NOON + timedelta(seconds=n), checkpoint_type=CheckpointType.AFTER_NODE) for n in (1, 0)]

    with pytest.raises(Fenced):
        await append(store, replace(claim.lease, epoch=Epoch(claim.lease.epoch - 1)), 0, a_result(), snapshots=mine)
    assert not await kept(store, thread)
    await append(store, claim.lease, 0, a_result(), snapshots=mine)

    assert await kept(store, thread) == [one.id for one in mine]
    assert await store.snapshots.get(thread.tenant, thread.id, mine[0].id) == mine[0]


async def test_a_run_that_is_forgotten_takes_its_snapshots_along(store: Store) -> None:
    claim = await a_claim(store)
    thread = await store.threads.get(claim.run.tenant, claim.run.thread)
    over = replace(claim.run.moved(claim.run.status.COMPLETED), ended_at=NOON)
    await append(store, claim.lease, 0, a_result(), run=over, release_at=0.0, snapshots=[a_snapshot(thread)])

    assert await store.retention.forget_runs(NOON + timedelta(days=1), 10) == 1
    assert not await kept(store, thread)
