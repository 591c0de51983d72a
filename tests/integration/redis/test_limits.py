"""Rate limits, in memory and over Redis."""

import asyncio

import pytest

from domain.ports.limits import Limits, Rate
from infrastructure.memory.limits import MemoryLimits
from infrastructure.redis.limits import RedisLimits
from infrastructure.redis.link import RedisLink
from tests.integration.redis.conftest import BACKENDS

A_FEW_A_MINUTE = Rate(limit=3, seconds=60.0)


@pytest.fixture(params=BACKENDS)
def limits(request: pytest.FixtureRequest) -> Limits:
    return MemoryLimits() if request.param == "memory" else RedisLimits(request.getfixturevalue("link"))


async def test_so_many_at_once_and_then_it_says_when_to_come_again(limits: Limits) -> None:
    verdicts = [await limits.hit("a", A_FEW_A_MINUTE) for _ in range(4)]

    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False]
    assert 15.0 < verdicts[3].retry_after <= 20.0


async def test_the_hundred_and_first_in_a_minute_is_refused(limits: Limits) -> None:
    verdicts = [await limits.hit("a", Rate(100, 60.0)) for _ in range(101)]

    assert [verdict.allowed for verdict in verdicts] == [True] * 100 + [False]


async def test_keys_do_not_share(limits: Limits) -> None:
    assert [(await limits.hit(key, Rate(1, 60.0))).allowed for key in ("a", "b", "a")] == [True, True, False]


async def test_what_was_refused_is_not_counted_and_time_gives_back(limits: Limits) -> None:
    rate = Rate(limit=2, seconds=0.2)
    while (await limits.hit("a", rate)).allowed:
        pass
    refused = await limits.hit("a", rate)
    await asyncio.sleep(refused.retry_after)

    assert 0 < refused.retry_after <= 0.1
    assert (await limits.hit("a", rate)).allowed


async def test_of_many_at_once_exactly_so_many_are_allowed(limits: Limits) -> None:
    verdicts = await asyncio.gather(*(limits.hit("a", Rate(10, 3600.0)) for _ in range(50)))

    assert sum(verdict.allowed for verdict in verdicts) == 10


async def test_processes_that_share_a_redis_share_its_limits(link: RedisLink) -> None:
    one, other = RedisLimits(link), RedisLimits(link)
    verdicts = [(await limits.hit("a", A_FEW_A_MINUTE)).allowed for limits in (one, other, one, other)]

    assert verdicts == [True, True, True, False]


async def test_a_key_is_forgotten_when_it_limits_no_longer(link: RedisLink) -> None:
    await RedisLimits(link).hit("a", Rate(2, 10.0))

    assert 0 < await link.ask(lambda redis: redis.pttl("weft:limit:a")) <= 5_000


async def test_memory_remembers_so_many_keys() -> None:
    limits = MemoryLimits(most=2)
    for key in ("a", "b", "c"):
        await limits.hit(key, Rate(1, 60.0))

    assert [(await limits.hit(key, Rate(1, 60.0))).allowed for key in ("c", "b", "a")] == [False, False, True]
