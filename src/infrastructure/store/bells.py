"""Hints within one process: a bell for each topic."""

from collections import defaultdict
from dataclasses import dataclass, field

from infrastructure.store.bell import Bell


@dataclass(frozen=True, slots=True)
class Bells:
    """`domain.ports.hints.Hints` where nobody else shares the store, or nobody can tell the others."""

    _bells: defaultdict[str, Bell] = field(default_factory=lambda: defaultdict(Bell))

    def ring(self, topic: str) -> None:
        self._bells[topic].ring()

    async def heard(self, topic: str, timeout: float) -> None:
        await self._bells[topic].heard(timeout)
