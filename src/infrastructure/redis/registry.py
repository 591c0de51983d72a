"""Which workers there are, on all machines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

import orjson
from redis.asyncio import Redis

from domain.ids import WorkerId
from domain.ports.registry import WorkerCard
from infrastructure.memory.registry import MemoryRegistry, in_order
from infrastructure.redis.link import RedisAway, RedisLink

INDEX: Final = "weft:workers"
"""Ids by the server's time of their last beat."""


def _key(worker: str) -> str:
    return f"weft:worker:{worker}"


@dataclass(slots=True)
class RedisRegistry:
    """`seconds`: after so long without a beat a worker is gone. While the server is away only this process's worker is known."""

    link: RedisLink
    seconds: float
    _here: MemoryRegistry = field(init=False)

    def __post_init__(self) -> None:
        self._here = MemoryRegistry(self.seconds)

    async def beat(self, card: WorkerCard) -> None:
        await self._here.beat(card)
        await self._try(card)

    async def _try(self, card: WorkerCard) -> None:
        try:
            await self.link.ask(lambda redis: self._keep(redis, card))
        except RedisAway:
            return  # it is known here, and says it again soon

    async def leave(self, worker: WorkerId) -> None:
        await self._here.leave(worker)
        try:
            await self.link.ask(lambda redis: _forget(redis, worker))
        except RedisAway:
            return  # its time runs out by itself

    async def list(self) -> Sequence[WorkerCard]:
        try:
            return in_order(await self.link.ask(self._found))
        except RedisAway:
            return await self._here.list()

    async def _keep(self, redis: Redis, card: WorkerCard) -> None:
        now, _ = await redis.time()
        async with redis.pipeline(transaction=True) as pipe:
            pipe.set(_key(card.id), orjson.dumps(card), px=max(1, round(self.seconds * 1000)))
            pipe.zadd(INDEX, {card.id: now})
            pipe.zremrangebyscore(INDEX, "-inf", now - self.seconds - 1)
            await pipe.execute()

    async def _found(self, redis: Redis) -> Sequence[WorkerCard]:
        workers = [worker.decode() for worker in cast("list[bytes]", await redis.zrange(INDEX, 0, -1))]
        if not workers:
            return ()
        bodies = cast("list[bytes | None]", await redis.mget([_key(worker) for worker in workers]))
        return [_read(body) for body in bodies if body is not None]


async def _forget(redis: Redis, worker: WorkerId) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.delete(_key(worker))
        pipe.zrem(INDEX, worker)
        await pipe.execute()


def _read(body: bytes) -> WorkerCard:
    card = orjson.loads(body)
    return WorkerCard(
        id=WorkerId(card["id"]),
        host=card["host"],
        pid=card["pid"],
        version=card["version"],
        started_at=datetime.fromisoformat(card["started_at"]),
        runs=card["runs"],
        beat_at=datetime.fromisoformat(card["beat_at"]),
    )
