"""The cache, in memory and over Redis: what it promises is the same."""

import asyncio
import math

import pytest

from domain.ports.cache import Cache
from infrastructure.memory.cache import MemoryCache
from infrastructure.redis.cache import RedisCacheAdapter
from tests.integration.redis.conftest import BACKENDS


@pytest.fixture(params=BACKENDS)
def cache(request: pytest.FixtureRequest) -> Cache:
    return MemoryCache(60.0) if request.param == "memory" else RedisCacheAdapter(request.getfixturevalue("link"), 60.0)


@pytest.fixture(params=BACKENDS)
def brief_cache(request: pytest.FixtureRequest) -> Cache:
    return MemoryCache(0.05) if request.param == "memory" else RedisCacheAdapter(request.getfixturevalue("link"), 0.05)


async def test_what_was_set_is_got(cache: Cache) -> None:
    assert await cache.get("a") is None
    await cache.set("a", b"\x00\xff")
    await cache.set("b", b"")

    assert (await cache.get("a"), await cache.get("b"), await cache.get("c")) == (b"\x00\xff", b"", None)


async def test_the_last_of_two_wins(cache: Cache) -> None:
    await cache.set("a", b"1")
    await cache.set("a", b"2")

    assert await cache.get("a") == b"2"


async def test_what_is_over_its_time_is_gone(brief_cache: Cache) -> None:
    await brief_cache.set("a", b"1")
    await asyncio.sleep(0.1)

    assert await brief_cache.get("a") is None


async def test_memory_holds_so_many_and_forgets_the_least_used_first() -> None:
    cache = MemoryCache(math.inf, most=2)
    for key in ("a", "b"):
        await cache.set(key, key.encode())
    await cache.get("a")
    await cache.set("c", b"c")

    assert [await cache.get(key) for key in "abc"] == [b"a", None, b"c"]


async def test_memory_holds_so_many_bytes_and_nothing_that_is_larger() -> None:
    cache = MemoryCache(math.inf, most_bytes=10)
    await cache.set("a", b"x" * 6)
    await cache.set("b", b"y" * 6)
    await cache.set("c", b"z" * 11)

    assert [await cache.get(key) for key in "abc"] == [None, b"y" * 6, None]
