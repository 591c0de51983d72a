"""Everything that goes over Redis, opened on one link."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.ports.repositories import Health
from infrastructure.between import CACHE_SECONDS, WORKER_SECONDS, Between, LineMeter
from infrastructure.feed import ProcessFeed
from infrastructure.redis.cache import RedisCacheAdapter
from infrastructure.redis.feed import RedisFeed
from infrastructure.redis.hints import RedisHints
from infrastructure.redis.limits import RedisLimits
from infrastructure.redis.link import RedisLink, open_link
from infrastructure.redis.registry import RedisRegistry
from infrastructure.redis.streams import StreamReader


@asynccontextmanager
async def open_redis(url: str, process: str, here: ProcessFeed, meter: LineMeter) -> AsyncIterator[Between]:
    async with open_link(url, meter.redis_seen) as link:
        reader = StreamReader(link)
        feed = RedisFeed(process, here, link, reader, meter.news_dropped)
        hints = RedisHints(process, link, reader)
        serving = [asyncio.create_task(part.serve(), name="weft-redis") for part in (reader, feed, hints)]
        try:
            yield Between(
                feed=feed,
                cache=RedisCacheAdapter(link, CACHE_SECONDS),
                limits=RedisLimits(link),
                registry=RedisRegistry(link, WORKER_SECONDS),
                hints=hints,
                check=lambda: _check(link),
            )
        finally:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)


async def _check(link: RedisLink) -> Health:
    """What is known; a probe does not wait for a dead server."""
    if link.is_up:
        return Health(ready=True)
    return Health(ready=False, reason=f"no Redis at {link.where}: slower, nothing is lost; see docs/operations.md")
