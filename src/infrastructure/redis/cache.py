"""A cache that processes share."""

from dataclasses import dataclass, field
from typing import cast

from infrastructure.memory.cache import MemoryCache
from infrastructure.redis.link import RedisAway, RedisLink

PREFIX = "weft:cache:"


@dataclass(slots=True)
class RedisCacheAdapter:
    """`ttl` in seconds, where whoever sets a value does not say. While the server is away this process keeps a cache of its own, and
    forgets it when the server is back: what it holds may be older than what others set."""

    client: RedisLink
    ttl: float
    _memory: MemoryCache = field(init=False)

    def __post_init__(self) -> None:
        self._memory = MemoryCache(self.ttl)

    async def get(self, key: str) -> bytes | None:
        try:
            found = cast("bytes | None", await self.client.ask(lambda redis: redis.get(PREFIX + key)))
        except RedisAway:
            return await self._memory.get(key)
        self._memory.clear()
        return found

    async def set(self, key: str, value: bytes, seconds: float | None = None) -> None:
        kept = self.ttl if seconds is None else seconds
        try:
            await self.client.ask(lambda redis: redis.set(PREFIX + key, value, px=max(1, round(kept * 1000))))
        except RedisAway:
            await self._memory.set(key, value, kept)
        else:
            self._memory.clear()
