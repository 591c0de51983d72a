"""Wake-ups, in one process and between two over Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.ports.hints import INBOX, QUEUE, Hints
from infrastructure.feed import ProcessFeed
from infrastructure.redis.link import RedisLink
from infrastructure.redis.open import open_redis
from infrastructure.store.bells import Bells
from infrastructure.telemetry.unmetered import Unmetered
from tests.servers.redis import RedisServer

NEVER = 30.0


@asynccontextmanager
async def process(server: RedisServer, name: str) -> AsyncIterator[Hints]:
    """The hints of one process, which has got through and listened to what that made known."""
    async with open_redis(server.url, name, ProcessFeed(), Unmetered()) as between:
        assert between.hints is not None
        for topic in (QUEUE, INBOX):
            await between.hints.heard(topic, NEVER)
        yield between.hints


async def took(hints: Hints, topic: str, timeout: float = NEVER) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await hints.heard(topic, timeout)
    return loop.time() - began


@pytest.fixture(params=["memory", "redis"])
async def hints(request: pytest.FixtureRequest) -> AsyncIterator[Hints]:
    if request.param == "memory":
        yield Bells()
        return
    async with process(request.getfixturevalue("emptied_redis"), "me") as opened:
        yield opened


async def test_a_ring_wakes_who_listens_to_its_topic_and_nobody_else(hints: Hints) -> None:
    waiting = asyncio.create_task(took(hints, QUEUE))
    await asyncio.sleep(0)
    hints.ring(QUEUE)

    assert await waiting < 1.0
    assert await took(hints, INBOX, 0.1) >= 0.09


async def test_one_rung_before_is_heard_by_the_next_and_only_once(hints: Hints) -> None:
    hints.ring(QUEUE)
    hints.ring(QUEUE)

    assert await took(hints, QUEUE) < 1.0
    assert await took(hints, QUEUE, 0.1) >= 0.09


async def test_a_ring_is_heard_in_another_process_at_once(emptied_redis: RedisServer) -> None:
    async with process(emptied_redis, "one") as one, process(emptied_redis, "other") as other:
        for topic in (QUEUE, INBOX, QUEUE):
            one.ring(topic)
            assert await took(other, topic) < 1.0


async def test_many_rings_are_a_few_messages(emptied_redis: RedisServer, link: RedisLink) -> None:
    async with process(emptied_redis, "one") as one, process(emptied_redis, "other") as other:
        for _ in range(10_000):
            one.ring(QUEUE)
        await other.heard(QUEUE, NEVER)

        assert 1 <= await link.ask(lambda redis: redis.xlen("weft:hints")) <= 3


async def test_what_is_no_hint_is_passed_over(emptied_redis: RedisServer, link: RedisLink) -> None:
    async with process(emptied_redis, "one") as one, process(emptied_redis, "other") as other:
        for words in ("{", "[]", '["x", 7]', '["x", ["unknown"]]'):
            emptied_redis.tell("XADD", "weft:hints", "*", "m", words)
        await link.ask(lambda redis: redis.xadd("weft:hints", {b"unknown": b"field"}))
        one.ring(QUEUE)

        assert await took(other, QUEUE) < 1.0
