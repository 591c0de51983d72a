"""The database and the Redis of an installation."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.ports.checkup import RedisVitals, StoreVitals, WorkVitals
from domain.ports.registry import WorkerCard
from infrastructure.between import WORKER_SECONDS
from infrastructure.checkup.store import StoreCheckup


@dataclass(frozen=True, slots=True)
class Installation:
    stored: StoreCheckup
    redis_url: str | None

    async def store(self) -> StoreVitals:
        return await self.stored.vitals()

    async def work(self, silent_seconds: float) -> WorkVitals:
        return await self.stored.work(silent_seconds)

    async def redis(self) -> RedisVitals | None:
        if self.redis_url is None:
            return None
        from infrastructure.redis.link import RedisAway, open_link
        from infrastructure.redis.registry import RedisRegistry

        async with open_link(self.redis_url) as link:
            try:
                await link.latency()  # the first one has to connect
                took = await link.latency()
                seconds, micros = await link.ask(lambda redis: redis.time())
            except RedisAway as error:
                return RedisVitals(link.where, away=str(error))
            workers: Sequence[WorkerCard] = await RedisRegistry(link, WORKER_SECONDS).list()
            return RedisVitals(link.where, seconds=took, now=seconds + micros / 1_000_000, workers=workers)
