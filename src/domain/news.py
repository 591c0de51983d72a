"""What of a run is told to those who listen from outside."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class RunNews(StrEnum):
    """What can be told. `waiting`: a run is parked, and asks a person. `notified`: the tool `notify` was called. `budget.alert`: so
    much of a budget is used up. `test` is only ever asked for by hand."""

    STARTED = "run.started"
    PARKED = "run.parked"
    WAITING = "run.waiting"
    COMPLETED = "run.completed"
    FAILED = "run.failed"
    CANCELLED = "run.cancelled"
    NOTIFIED = "run.notified"
    BUDGET_ALERT = "budget.alert"
    TEST = "webhook.test"

    @property
    def bit(self) -> int:
        """Its place in a webhook's mask; kept in databases: it never changes."""
        return 1 << _PLACES.index(self)


_PLACES: Final = (
    RunNews.STARTED,
    RunNews.PARKED,
    RunNews.COMPLETED,
    RunNews.FAILED,
    RunNews.CANCELLED,
    RunNews.TEST,
    RunNews.WAITING,
    RunNews.NOTIFIED,
    RunNews.BUDGET_ALERT,
)
TOLD: Final = tuple(news for news in _PLACES if news is not RunNews.TEST)


def mask_of(wanted: Iterable[RunNews]) -> int:
    return sum({news.bit for news in wanted})


def wanted_by(mask: int) -> tuple[RunNews, ...]:
    return tuple(news for news in TOLD if mask & news.bit)
