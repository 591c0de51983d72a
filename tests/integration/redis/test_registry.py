"""Which workers there are, in memory and over Redis."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest

from domain.ids import WorkerId
from domain.ports.registry import WorkerCard, WorkerRegistry
from infrastructure.memory.registry import MemoryRegistry
from infrastructure.redis.link import RedisLink
from infrastructure.redis.registry import INDEX, RedisRegistry
from tests.integration.redis.conftest import BACKENDS

Make: TypeAlias = Callable[[float], WorkerRegistry]
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(params=BACKENDS)
def make(request: pytest.FixtureRequest) -> Make:
    """Registries of so many seconds."""
    if request.param == "memory":
        return MemoryRegistry
    link = request.getfixturevalue("link")
    return lambda seconds: RedisRegistry(link, seconds)


def card(name: str, since: datetime = NOON, runs: int = 0) -> WorkerCard:
    return WorkerCard(WorkerId(name), "host", 42, "0.1.0", since, runs, since)


async def test_workers_are_listed_as_they_last_said_oldest_first(make: Make) -> None:
    registry = make(60.0)
    await registry.beat(card("young", NOON + timedelta(hours=1)))
    await registry.beat(card("old"))
    await registry.beat(replace(card("old", runs=7), beat_at=NOON + timedelta(seconds=5, microseconds=3)))

    assert await registry.list() == [
        replace(card("old", runs=7), beat_at=NOON + timedelta(seconds=5, microseconds=3)),
        card("young", NOON + timedelta(hours=1)),
    ]


async def test_one_that_leaves_is_listed_no_longer(make: Make) -> None:
    registry = make(60.0)
    await registry.beat(card("a"))
    await registry.beat(card("b"))
    await registry.leave(WorkerId("a"))
    await registry.leave(WorkerId("never there"))

    assert await registry.list() == [card("b")]


async def test_one_that_misses_its_beats_is_gone(make: Make) -> None:
    registry = make(0.1)
    await registry.beat(card("a"))
    assert await registry.list() == [card("a")]
    await asyncio.sleep(0.2)

    assert await registry.list() == []


async def test_others_over_the_same_redis_see_it(link: RedisLink) -> None:
    await RedisRegistry(link, 60.0).beat(card("a"))

    assert await RedisRegistry(link, 60.0).list() == [card("a")]


async def test_the_index_forgets_who_is_long_gone(link: RedisLink) -> None:
    await RedisRegistry(link, 60.0).beat(card("a"))
    await link.ask(lambda redis: redis.zadd(INDEX, {"ghost": 1}))
    await RedisRegistry(link, 60.0).beat(card("a"))

    assert await link.ask(lambda redis: redis.zrange(INDEX, 0, -1)) == [b"a"]
