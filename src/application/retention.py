"""Sweeping what is older than its owner wants to keep, a small batch at a time."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from domain.ports.clock import Clock
from domain.ports.retention import Retention

log = structlog.get_logger("application.retention")
BATCH_RUNS = 100
BATCH_ROWS = 2_000
BATCH_VALUES = 100
UNUSED_SECONDS = 3_600.0
"""So long a large value stays after it was used last, even if nothing refers to it."""
PAUSE_SECONDS = 0.2
"""Between two batches: others want the database too."""
REST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """A chore. `days`: how long finished runs and their rows are kept."""

    retention: Retention
    clock: Clock
    days: float
    name: str = "retention"

    async def turn(self) -> float:
        now = self.clock.now()
        before = now - timedelta(days=self.days)
        # First: what loses its last use now is swept next time, when nobody is about to read it any more.
        values = await self.retention.forget_values(now - timedelta(seconds=UNUSED_SECONDS), BATCH_VALUES)
        runs = await self.retention.forget_runs(before, BATCH_RUNS)
        rows = await self.retention.forget_rows(before, BATCH_ROWS)
        if runs or rows or values:
            log.info("swept", runs=runs, rows=rows, values=values, before=before.isoformat())
        return PAUSE_SECONDS if runs == BATCH_RUNS or rows == BATCH_ROWS or values == BATCH_VALUES else REST_SECONDS
