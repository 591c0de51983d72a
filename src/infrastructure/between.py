"""What stands between the processes of one Weft: in this process alone, or over Redis."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from domain.ports.cache import Cache
from domain.ports.feed import Feed
from domain.ports.hints import Hints
from domain.ports.limits import Limits
from domain.ports.registry import WorkerRegistry
from domain.ports.repositories import Health
from infrastructure.feed import ProcessFeed
from infrastructure.memory.cache import MemoryCache
from infrastructure.memory.limits import MemoryLimits
from infrastructure.memory.registry import MemoryRegistry

CACHE_SECONDS: Final = 300.0
WORKER_SECONDS: Final = 15.0
"""After so long without a beat a worker is not listed any more; it beats three times as often."""


class LineMeter(Protocol):
    """What is counted of the way to others."""

    def redis_seen(self, up: bool) -> None: ...

    def news_dropped(self, news: int) -> None: ...

    def chunks_dropped(self, chunks: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Between:
    """`hints` None: the store's own. `check` None: there is nothing that could be missing."""

    feed: Feed
    cache: Cache
    limits: Limits
    registry: WorkerRegistry
    hints: Hints | None = None
    check: Callable[[], Awaitable[Health]] | None = None


def open_between(redis_url: str | None, process: str, poll_seconds: float, meter: LineMeter) -> AbstractAsyncContextManager[Between]:
    """`process`: a name that no other process has. A Redis that does not answer is no error."""
    here = ProcessFeed(poll_seconds=poll_seconds, dropped=meter.chunks_dropped)
    if redis_url is None:
        return _alone(here)
    from infrastructure.redis.open import open_redis

    return open_redis(redis_url, process, here, meter)


@asynccontextmanager
async def _alone(here: ProcessFeed) -> AsyncIterator[Between]:
    yield Between(here, MemoryCache(CACHE_SECONDS), MemoryLimits(), MemoryRegistry(WORKER_SECONDS))
