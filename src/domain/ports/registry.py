"""Which workers there are. For people to look at: what a worker holds is decided by its leases, not by this."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import WorkerId


@dataclass(frozen=True, slots=True)
class WorkerCard:
    """`runs`: in hand. `beat_at`: when it last said so, by its own clock."""

    id: WorkerId
    host: str
    pid: int
    version: str
    started_at: datetime
    runs: int
    beat_at: datetime


class WorkerRegistry(Protocol):
    async def beat(self, card: WorkerCard) -> None:
        """Register, or say again that it is there. Who has not for the registry's time is gone. Never fails."""

    async def leave(self, worker: WorkerId) -> None:
        """It has stopped. Never fails; for one that is not there nothing happens."""

    async def list(self) -> Sequence[WorkerCard]:
        """Those that are there, by start and id. Never fails; it may know only this process's."""
