"""The history: what was said to models and tools, what it used and cost, how runs ended; and letting go of what is old."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from application.history_views import HistoryListOrder, HistoryRecordView
from application.paging import shown
from application.views import PageView
from domain.access import Principal, Role
from domain.ports.clock import Clock
from domain.ports.history import HistoryRepository

log = structlog.get_logger("application.history")
BATCH: Final = 1_000
PAUSE_SECONDS: Final = 0.2
"""Between two batches: others want the database too."""
REST_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class HistoryDesk:
    records: HistoryRepository

    async def list(self, who: Principal, order: HistoryListOrder) -> PageView[HistoryRecordView]:
        """Newest first. What was said is for operators, who also may search for it: an answer to a search would tell what was said."""
        who.must_be(Role.VIEWER if order.text is None else Role.OPERATOR)
        view = HistoryRecordView.of if who.role.includes(Role.OPERATOR) else HistoryRecordView.without_content
        return shown(await self.records.query(who.tenant, order.wanted(), order.limit, order.cursor), view)


@dataclass(frozen=True, slots=True)
class ForgetHistory:
    """A chore. `days`: how long what was said is kept."""

    records: HistoryRepository
    clock: Clock
    days: float
    name: str = "history"

    async def turn(self) -> float:
        gone = await self.records.forget(self.clock.now() - timedelta(days=self.days), BATCH)
        if gone:
            log.info("history forgotten", records=gone)
        return PAUSE_SECONDS if gone == BATCH else REST_SECONDS
