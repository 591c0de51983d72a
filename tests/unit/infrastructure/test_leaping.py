"""Time that leaps: nobody waits for a timer, and for a thread everybody does."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from infrastructure.leaping import LeapingClock, LeapingLoop

SINCE = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_year_passes_at_once_and_the_clock_has_seen_it() -> None:
    clock = LeapingClock(SINCE)

    async def wait() -> datetime:
        await clock.sleep(365 * 86_400)
        return clock.now()

    began = time.monotonic()
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        assert runner.run(wait()) >= SINCE + timedelta(days=365)
    assert time.monotonic() - began < 5


def test_timers_ring_in_their_order() -> None:
    rang: list[int] = []

    async def ring(at: int) -> None:
        await asyncio.sleep(at)
        rang.append(at)

    async def all_of_them() -> None:
        await asyncio.gather(*map(ring, (3_000, 1_000, 2_000)))

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(all_of_them())
    assert rang == [1_000, 2_000, 3_000]


def test_time_stands_still_while_a_thread_works() -> None:
    async def work() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(3_600):
            await asyncio.to_thread(time.sleep, 0.1)
        return loop.time() - began

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        assert runner.run(work()) < 1
