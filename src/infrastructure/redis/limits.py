"""Rate limits that processes share: one number for each key, moved by the server in one step."""

from dataclasses import dataclass, field
from typing import Final, cast

from domain.ports.limits import Rate, Verdict
from infrastructure.memory.limits import MemoryLimits
from infrastructure.redis.link import RedisAway, RedisLink

PREFIX: Final = "weft:limit:"
# As `MemoryLimits`, in microseconds of the server's clock. Returns for how long it is too early: 0 or less is allowed, and counted.
_HIT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window, pace = tonumber(ARGV[1]), tonumber(ARGV[2])
local even = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local early = even + pace - now - window
if early > 0 then return early end
redis.call('SET', KEYS[1], string.format('%.0f', even + pace), 'PX', math.ceil((even + pace - now) / 1000))
return 0
"""


@dataclass(slots=True)
class RedisLimits:
    """While the server is away each process allows the whole rate by itself: with n processes up to n times as much passes."""

    link: RedisLink
    _memory: MemoryLimits = field(default_factory=MemoryLimits)

    async def hit(self, key: str, rate: Rate) -> Verdict:
        window = round(rate.seconds * 1_000_000)
        pace = -(-window // rate.limit)
        try:
            early = await self.link.ask(lambda redis: redis.eval(_HIT, 1, PREFIX + key, pace * rate.limit, pace))
        except RedisAway:
            return await self._memory.hit(key, rate)
        too_early = cast(int, early)
        return Verdict(allowed=True) if too_early <= 0 else Verdict(allowed=False, retry_after=too_early / 1_000_000)
