"""The database, the Redis and the models of an installation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.ports.checkup import AliasVitals, RedisVitals, StoreVitals, WorkVitals
from domain.ports.lanes import Lanes
from domain.ports.registry import WorkerCard
from infrastructure.between import WORKER_SECONDS
from infrastructure.checkup.store import StoreCheckup
from infrastructure.models.registry import ConfiguredModels


@dataclass(frozen=True, slots=True)
class Installation:
    stored: StoreCheckup
    redis_url: str | None
    open_models: Callable[[Lanes], ConfiguredModels]
    """`ValidationError` when what is set of them is wrong."""

    async def store(self) -> StoreVitals:
        return await self.stored.vitals()

    async def work(self, silent_seconds: float) -> WorkVitals:
        return await self.stored.work(silent_seconds)

    async def models(self) -> Sequence[AliasVitals]:
        return await self.open_models(self.stored).aliases()

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
