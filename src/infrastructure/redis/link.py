"""The way to a Redis server that may go away at any moment: short calls, no queueing up behind a dead server, one warning an outage."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

log = structlog.get_logger("infrastructure.redis")
T = TypeVar("T")
CALL_SECONDS: Final = 0.5
"""What any call may take, with the wait for a connection."""
LOOK_SECONDS: Final = 1.0
"""How often the server is asked whether it is there. While it is not, this is the only question it gets."""
SHORTEST_LOOK_SECONDS: Final = 0.05
REFUSALS_SECONDS: Final = 60.0
"""A server that answers and refuses (out of memory, read only) is complained about so often at most."""
CONNECTIONS: Final = 16

OnChange: TypeAlias = Callable[[bool], None]
"""Hears whether the server is there, when that changes."""


class RedisAway(Exception):
    """No answer, or none that helps: do without. Never leaves this folder."""


@dataclass(slots=True)
class RedisLink:
    """`where`: the server's address without secrets. `is_up`: it answered the last time somebody asked."""

    where: str
    _redis: Redis
    _on_change: list[OnChange] = field(default_factory=list)
    _up: bool | None = None
    _doubted: asyncio.Event = field(default_factory=asyncio.Event)
    """A call got no answer: nobody asks more until a look has said whether it is the server, or was us."""
    _refused_at: float = float("-inf")

    @property
    def is_up(self) -> bool:
        return self._up is True and not self._doubted.is_set()

    def on_change(self, hear: OnChange) -> None:
        self._on_change.append(hear)

    async def ask(self, call: Callable[[Redis], Awaitable[T]]) -> T:
        """The answer, or `RedisAway` within half a second; at once while the server is known to be away."""
        if not self.is_up:
            raise RedisAway(f"no Redis at {self.where}")
        try:
            return await self._call(call)
        except ResponseError as error:
            self._refused(error)
            raise RedisAway(str(error)) from error
        except (RedisError, OSError, TimeoutError) as error:
            self._doubted.set()
            raise RedisAway(_reason(error)) from error

    async def latency(self) -> float:
        """Seconds of a PING, asked whatever was known before; or `RedisAway`."""
        began = time.monotonic()
        try:
            await self._call(lambda redis: redis.ping())
        except (RedisError, OSError, TimeoutError) as error:
            raise RedisAway(_reason(error)) from error
        return time.monotonic() - began

    async def look(self) -> bool:
        """Is it there? What everybody relies on until the next look."""
        try:
            await self.latency()
        except RedisAway as error:
            self._turned(False, str(error))
        else:
            self._turned(True)
        self._doubted.clear()
        return self.is_up

    async def watch(self) -> None:
        """Looks until it is cancelled: every second, and at once when a call got no answer."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._doubted.wait()
            await self.look()
            await asyncio.sleep(SHORTEST_LOOK_SECONDS)

    async def _call(self, call: Callable[[Redis], Awaitable[T]]) -> T:
        """The client library may make an answer or an error of its own of a cancellation: whoever is cancelled must end all the same."""
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await call(self._redis)
        finally:
            if task and task.cancelling() > before:
                raise asyncio.CancelledError

    def _turned(self, up: bool, reason: str = "") -> None:
        before, self._up = self._up, up
        if before == up:
            return
        if not up:
            log.warning("Redis does not answer: going on without it, slower", redis=self.where, reason=reason)
        elif before is False:
            log.info("Redis answers again", redis=self.where)
        for hear in self._on_change:
            hear(up)

    def _refused(self, error: ResponseError) -> None:
        now = time.monotonic()
        if now - self._refused_at >= REFUSALS_SECONDS:
            self._refused_at = now
            log.warning("Redis refuses: doing without", redis=self.where, reason=str(error))


@asynccontextmanager
async def open_link(url: str, *on_change: OnChange) -> AsyncIterator[RedisLink]:
    """`redis://`, `rediss://` or `unix://`. A server that does not answer is no error: it is looked for from then on."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=CALL_SECONDS,
        socket_timeout=CALL_SECONDS,
        socket_connect_timeout=CALL_SECONDS,
        retry=Retry(NoBackoff(), 1),
        protocol=2,
    )
    link = RedisLink(_shown(url), Redis(connection_pool=pool), list(on_change))
    await link.look()
    watching = asyncio.create_task(link.watch(), name="weft-redis")
    try:
        yield link
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await pool.disconnect()


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
