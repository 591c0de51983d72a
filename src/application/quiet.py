"""For how long runs in hand have come to no row: looked at from beside, so that a step pays nothing for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from application.drive import Drive
from domain.ids import Position
from domain.ports.journal import Lease


@dataclass(slots=True)
class Quiet:
    """Where each drive was seen, and when it was first seen there (seconds of the monotonic clock)."""

    seen: dict[Lease, tuple[Position, float]] = field(default_factory=dict)

    def look(self, drives: Mapping[Lease, Drive], now: float) -> Sequence[float]:
        self.seen = {lease: self._seen(lease, drive.position, now) for lease, drive in drives.items()}
        return [now - since for _, since in self.seen.values()]

    def _seen(self, lease: Lease, position: Position, now: float) -> tuple[Position, float]:
        before = self.seen.get(lease)
        return before if before is not None and before[0] == position else (position, now)
