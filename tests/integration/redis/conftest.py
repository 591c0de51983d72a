"""Ports that have an adapter in memory and one over a real Redis."""

from collections.abc import AsyncIterator, Iterator

import pytest

from infrastructure.redis.link import RedisLink, open_link
from tests.servers.redis import RedisServer, running_redis

BACKENDS = ("memory", "redis")


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """For tests that neither kill nor stall it."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def emptied_redis(shared_redis: RedisServer) -> RedisServer:
    shared_redis.tell("FLUSHALL")
    return shared_redis


@pytest.fixture
async def link(emptied_redis: RedisServer) -> AsyncIterator[RedisLink]:
    async with open_link(emptied_redis.url) as opened:
        yield opened
