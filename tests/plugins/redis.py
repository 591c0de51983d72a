"""Fixtures over a real Redis: `redis_server`, one that a test may kill, stall and empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.redis import NoRedis, RedisServer, binary, running_redis


def pytest_report_header() -> str:
    try:
        source, where = binary()
    except NoRedis as error:
        return f"redis: {error}"
    return f"redis: {source} {where}"


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server
