"""Which appends share a commit."""

import asyncio
import gc
from datetime import UTC, datetime

import pytest

from domain.errors import Fenced, Stale
from domain.ids import ActivationPath, Epoch, Position, RunId, TenantId, ThreadId, WorkerId
from domain.ports.journal import Append, Lease
from domain.run.events import NodeFinished
from infrastructure.store.batch import IN_HALVES, MOST_BYTES, MOST_ROWS, Group, Unit, Waiting, tell_committed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def lease(thread: str, epoch: int = 1, run: str = "r") -> Lease:
    return Lease(TenantId("t"), ThreadId(thread), RunId(run), Epoch(epoch), WorkerId("w"))


async def unit(thread: str, after: int, count: int = 1, *, epoch: int = 1, text: str = "", release_at: float | None = None) -> Unit:
    events = tuple(NodeFinished(ActivationPath("/a#1"), {"x": text}, (), Position(after)) for _ in range(count))
    return Unit.of(Append(lease(thread, epoch), Position(after), events, release_at=release_at))


def spans(groups: list[Group]) -> list[tuple[str, int, int]]:
    return [(group.thread, group.after, group.upto) for group in groups]


async def test_units_that_follow_each_other_on_a_thread_are_one_group() -> None:
    waiting = Waiting()
    waiting.units.extend([await unit("a", 0), await unit("b", 4), await unit("a", 1, 2), await unit("a", 3)])

    assert spans(waiting.batch(NOW)) == [("a", 0, 4), ("b", 4, 5)]
    assert not waiting


async def test_what_does_not_follow_waits_with_everything_behind_it_on_its_thread() -> None:
    waiting = Waiting()
    waiting.units.extend([await unit("a", 0), await unit("a", 7), await unit("a", 1), await unit("b", 0)])

    assert spans(waiting.batch(NOW)) == [("a", 0, 1), ("b", 0, 1)]
    assert spans(waiting.batch(NOW)) == [("a", 7, 8)]
    assert spans(waiting.batch(NOW)) == [("a", 1, 2)]


async def test_another_lease_on_the_same_thread_is_judged_by_itself() -> None:
    waiting = Waiting()
    waiting.units.extend([await unit("a", 0), await unit("a", 1, epoch=2)])

    assert [group.epoch for group in waiting.batch(NOW)] == [1]
    assert [group.epoch for group in waiting.batch(NOW)] == [2]


async def test_nothing_follows_the_unit_that_gives_the_run_back() -> None:
    waiting = Waiting()
    waiting.units.extend([await unit("a", 0, release_at=0.0), await unit("a", 1)])

    assert spans(waiting.batch(NOW)) == [("a", 0, 1)]


async def test_a_batch_ends_with_the_unit_that_reaches_the_most_rows() -> None:
    waiting = Waiting()
    waiting.units.extend([await unit(str(number), 0, MOST_ROWS // 2) for number in range(3)])

    assert [len(waiting.batch(NOW)), len(waiting.batch(NOW))] == [2, 1]


async def test_a_batch_ends_with_the_unit_that_reaches_the_most_bytes() -> None:
    waiting = Waiting()
    waiting.units.extend([await unit(str(number), 0, text="x" * (MOST_BYTES // 2)) for number in range(3)])

    assert [len(waiting.batch(NOW)), len(waiting.batch(NOW))] == [2, 1]


async def test_a_group_that_is_tried_again_goes_first_and_takes_what_follows() -> None:
    waiting = Waiting()
    waiting.again.append(Group.of(await unit("a", 0), NOW))
    waiting.units.extend([await unit("b", 0), await unit("a", 1)])

    assert spans(waiting.batch(NOW)) == [("a", 0, 2), ("b", 0, 1)]


async def test_a_group_in_doubt_takes_nothing_more() -> None:
    waiting = Waiting()
    group = Group.of(await unit("a", 0), NOW)
    group.doubtful = True
    waiting.again.append(group)
    waiting.units.append(await unit("a", 1))

    assert spans(waiting.batch(NOW)) == [("a", 0, 1)]


async def test_a_refusal_says_whether_the_lease_or_the_position_is_old() -> None:
    group = Group.of(await unit("a", 3), NOW)

    assert isinstance(group.refusal((2, 3)), Fenced)
    assert isinstance(group.refusal((1, 5)), Stale)
    assert isinstance(group.refusal(None), Fenced)


async def test_a_writer_that_went_away_is_not_told() -> None:
    gone, there = await unit("a", 0), await unit("a", 1)
    group = Group.of(gone, NOW)
    group.takes(there)
    gone.done.cancel()

    group.committed()

    assert [row.position for row in await asyncio.wait_for(there.done, 1)] == [2]


async def told_at_once(count: int, under_way: int) -> int:
    """How many of so many runs hear before the next turn of the event loop; in the next one all have."""
    units = [await unit(f"thread {number}", 0) for number in range(count)]
    tell_committed([Group.of(one, NOW) for one in units], under_way)
    at_once = sum(one.done.done() for one in units)
    await asyncio.sleep(0)
    assert all(one.done.done() for one in units)
    return at_once


@pytest.mark.parametrize(
    ("count", "under_way", "expected"),
    [
        pytest.param(IN_HALVES, 0, IN_HALVES // 2, id="when all waited for one commit, half of them hear a turn earlier"),
        pytest.param(IN_HALVES - 1, 0, IN_HALVES - 1, id="few hear at once"),
        pytest.param(50, 50, 50, id="one half hears at once while the other is committed"),
        pytest.param(94, 6, 44, id="uneven halves become even"),
        pytest.param(6, 94, 6, id="the smaller half hears at once"),
    ],
)
async def test_runs_take_turns(count: int, under_way: int, expected: int) -> None:
    assert await told_at_once(count, under_way) == expected


async def test_what_was_told_is_freed_without_the_collector() -> None:
    one = await unit("a", 0)
    Group.of(one, NOW).committed()

    assert one not in gc.get_referents(one.done.result())
