"""Sweeping what was remembered until a time that is past."""

from dataclasses import dataclass
from typing import Final

import structlog

from domain.ports.clock import Clock
from domain.ports.items import Items

log = structlog.get_logger("application.forgetting")
BATCH: Final = 200
PAUSE_SECONDS: Final = 0.2
"""Between two batches: others want the database too."""
REST_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class ForgetItems:
    """A chore. Nobody sees an expired item, swept or not."""

    items: Items
    clock: Clock
    name: str = "items"

    async def turn(self) -> float:
        gone = await self.items.forget(self.clock.now(), BATCH)
        if gone:
            log.info("items forgotten", items=gone)
        return PAUSE_SECONDS if gone == BATCH else REST_SECONDS
