"""Which workers there are: each says so itself, now and then, and whoever may look is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from application.paging import PageOrder, slice_of
from application.views import PageView, View
from domain.access import Principal, Role
from domain.ids import WorkerId
from domain.ports.clock import Clock
from domain.ports.registry import WorkerCard, WorkerRegistry


class WorkerView(View):
    """`runs`: in hand. `last_beat`: when it last said that it is there, by its own clock."""

    id: str
    host: str
    pid: int
    version: str
    started_at: datetime
    runs: int
    last_beat: datetime

    @classmethod
    def of(cls, card: WorkerCard) -> "WorkerView":
        return cls(
            id=card.id,
            host=card.host,
            pid=card.pid,
            version=card.version,
            started_at=card.started_at,
            runs=card.runs,
            last_beat=card.beat_at,
        )


@dataclass(frozen=True, slots=True)
class ListWorkers:
    registry: WorkerRegistry

    async def __call__(self, who: Principal, order: PageOrder) -> PageView[WorkerView]:
        """Oldest first. Without Redis, or while it does not answer, only this process's worker is known."""
        who.must_be(Role.VIEWER)
        return slice_of(await self.registry.list(), order, WorkerView.of)


@dataclass(frozen=True, slots=True)
class Beats:
    """The chore of a worker that lets others know of it. `runs`: how many it has in hand now; `every` in seconds."""

    registry: WorkerRegistry
    clock: Clock
    worker: WorkerId
    host: str
    pid: int
    version: str
    started_at: datetime
    runs: Callable[[], int]
    every: float
    name: str = "worker registry"

    async def turn(self) -> float:
        card = WorkerCard(self.worker, self.host, self.pid, self.version, self.started_at, self.runs(), self.clock.now())
        await self.registry.beat(card)
        return self.every

    async def leave(self) -> None:
        """It stops, and is listed no longer."""
        await self.registry.leave(self.worker)
