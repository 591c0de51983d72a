"""The workers of one process."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from domain.ids import WorkerId
from domain.ports.registry import WorkerCard


def in_order(cards: Sequence[WorkerCard]) -> Sequence[WorkerCard]:
    return sorted(cards, key=lambda card: (card.started_at, card.id))


@dataclass(slots=True)
class MemoryRegistry:
    """`seconds`: after so long without a beat a worker is gone."""

    seconds: float
    now: Callable[[], float] = time.monotonic
    _beats: dict[WorkerId, tuple[float, WorkerCard]] = field(default_factory=dict)

    async def beat(self, card: WorkerCard) -> None:
        self._beats[card.id] = (self.now() + self.seconds, card)

    async def leave(self, worker: WorkerId) -> None:
        self._beats.pop(worker, None)

    async def list(self) -> Sequence[WorkerCard]:
        now = self.now()
        self._beats = {worker: beat for worker, beat in self._beats.items() if beat[0] > now}
        return in_order([card for _, card in self._beats.values()])
