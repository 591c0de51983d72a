"""Where processes stand in line at a provider: one of several that move a lane at once succeeds, and the others see what it wrote."""

import asyncio

from domain.pacing import MARGIN, Rates
from infrastructure.clock import SystemClock
from infrastructure.models.pacer import Pacer
from infrastructure.store.store import Store


async def test_a_lane_is_written_where_what_was_read_still_stands(store: Store, beside: Store) -> None:
    assert await store.lanes.read("key") is None
    assert await store.lanes.swap("key", None, "1")
    assert not await beside.lanes.swap("key", None, "2")
    assert not await beside.lanes.swap("key", "0", "2")
    assert await beside.lanes.swap("key", "1", "2")
    assert (await store.lanes.read("key"), await store.lanes.read("other")) == ("2", None)


async def test_of_many_at_once_one_moves_it(store: Store, beside: Store) -> None:
    await store.lanes.swap("key", None, "0")
    moved = await asyncio.gather(*(lanes.swap("key", "0", str(n)) for n in range(1, 9) for lanes in (store.lanes, beside.lanes)))

    assert sum(moved) == 1


async def test_processes_share_one_line(store: Store, beside: Store) -> None:
    """Each takes its place without waiting for its turn: the places tell."""
    rates = Rates(requests=3, seconds=1_000)
    pacers = [Pacer(lanes, SystemClock()) for lanes in (store.lanes, beside.lanes)]
    took = await asyncio.gather(*(pacers[n % 2].turn("key", rates, 0, 0.5) for n in range(10)), return_exceptions=True)

    given = [one for one in took if not isinstance(one, BaseException)]
    refused = [one for one in took if isinstance(one, BaseException)]
    assert (len(given), {getattr(error, "code", error) for error in refused}) == (3, {"model_rate_limited"})
    assert all(900 < getattr(error, "retry_after", 0) <= 1_000 * (1 + MARGIN) for error in refused)
