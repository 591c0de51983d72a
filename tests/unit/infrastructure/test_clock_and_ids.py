import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.clock import SystemClock
from infrastructure.ids import new_id


def test_now_has_the_zone_utc() -> None:
    now = SystemClock().now()

    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


async def test_a_sleep_lasts_at_least_as_long_as_it_says() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    await clock.sleep(0.01)

    assert clock.monotonic() - before >= 0.009


async def test_a_sleep_can_be_cancelled() -> None:
    sleeping = asyncio.create_task(SystemClock().sleep(3600))
    await asyncio.sleep(0)
    sleeping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sleeping


def test_ids_are_uuids_of_version_7_that_sort_as_they_were_made() -> None:
    ids = [new_id() for _ in range(1_000)]

    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found) for found in ids)
    assert len(set(ids)) == 1_000
    assert ids == sorted(ids)
