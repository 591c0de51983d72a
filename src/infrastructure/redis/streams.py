"""What other processes say, read from a few short streams by one patient question at a time."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

import structlog
from redis.asyncio import Redis

from infrastructure.redis.link import LOOK_SECONDS, RedisAway, RedisLink

log = structlog.get_logger("infrastructure.redis")
WAIT_MILLISECONDS: Final = 300
"""How long one question waits for an answer: less than a call may take."""
AT_ONCE: Final = 100
MESSAGE: Final = b"m"
KEEP_MESSAGES: Final = 100
KEEP_SECONDS: Final = 30

Take: TypeAlias = Callable[[bytes], None]
"""Hears one message. A `ValueError`: it is none of ours, and is passed over."""
Name: TypeAlias = bytes | str | memoryview
"""Of a stream, as the client takes it; here always text."""
_Entries: TypeAlias = list[tuple[bytes, Mapping[bytes, bytes]]]


async def tell(link: RedisLink, stream: str, message: bytes) -> bool:
    """One message at the end of a stream, which holds about `KEEP_MESSAGES` and is gone when nothing was said for `KEEP_SECONDS`. False:
    the server is away, and it was not said."""

    async def say(redis: Redis) -> None:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.xadd(stream, {MESSAGE: message}, maxlen=KEEP_MESSAGES, approximate=True)
            pipe.expire(stream, KEEP_SECONDS)
            await pipe.execute()

    try:
        await link.ask(say)
    except RedisAway:
        return False
    return True


@dataclass(slots=True)
class StreamReader:
    """Reads what is said from the moment it got through to the server. What was said while it could not is not told later."""

    link: RedisLink
    streams: dict[str, Take] = field(default_factory=dict)
    on_through: list[Callable[[], None]] = field(default_factory=list)
    """Called whenever it got through, again after each outage: something may have been missed."""
    _ids: dict[Name, bytes] = field(default_factory=dict)

    async def serve(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._begin()
                while True:
                    await self._read()
            except RedisAway:
                self._ids = {}
                await asyncio.sleep(LOOK_SECONDS / 4)

    async def _begin(self) -> None:
        self._ids = await self.link.ask(self._newest)
        for tell in self.on_through:
            tell()

    async def _newest(self, redis: Redis) -> dict[Name, bytes]:
        """The id of the last message of each stream."""
        found: dict[Name, bytes] = {}
        for stream in self.streams:
            last = await redis.xrevrange(stream, count=1)
            found[stream] = cast(bytes, last[0][0]) if last else b"0-0"
        return found

    async def _read(self) -> None:
        answer = await self.link.ask(lambda redis: redis.xread({**self._ids}, count=AT_ONCE, block=WAIT_MILLISECONDS))
        for name, entries in cast("list[tuple[bytes, _Entries]]", answer or []):
            stream = name.decode()
            self._ids[stream] = entries[-1][0]
            for _, fields in entries:
                self._take(stream, fields)

    def _take(self, stream: str, fields: Mapping[bytes, bytes]) -> None:
        try:
            self.streams[stream](fields[MESSAGE])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a message that is none of ours is passed over", stream=stream, reason=str(error))
