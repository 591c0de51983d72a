"""Sweeping what is older than its owner wants to keep, a small batch at a time."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from domain.ports.clock import Clock
from domain.ports.retention import Retention

log = structlog.get_logger("application.retention")
BATCH_RUNS = 100
BATCH_ROWS = 2_000
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
        before = self.clock.now() - timedelta(days=self.days)
        runs = await self.retention.forget_runs(before, BATCH_RUNS)
        rows = await self.retention.forget_rows(before, BATCH_ROWS)
        if runs or rows:
            log.info("swept", runs=runs, rows=rows, before=before.isoformat())
        return PAUSE_SECONDS if runs == BATCH_RUNS or rows == BATCH_ROWS else REST_SECONDS
