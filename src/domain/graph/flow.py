"""What a graph says of when its runs may be executed. Keys are values over a run's input, worked out when it is started."""

from dataclasses import dataclass
from enum import StrEnum

from domain.json import Json


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low; each class is one more."""
        return tuple(Priority).index(self)


@dataclass(frozen=True, slots=True)
class ConcurrencyRule:
    """At most `limit` runs of one key are executed at a time."""

    key: Json
    limit: int


@dataclass(frozen=True, slots=True)
class RateRule:
    """At most `limit` runs of one key begin in a window of `seconds`; a window opens with the first that begins after the last one."""

    key: Json
    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SingletonRule:
    """One run of a key at most is unfinished; a start beside it answers that one."""

    key: Json


@dataclass(frozen=True, slots=True)
class DebounceRule:
    """A start within `seconds` of the last one with its key replaces that one's input, and waits anew."""

    key: Json
    seconds: float


@dataclass(frozen=True, slots=True)
class FlowRules:
    """Where a rule's key is None it is about all runs of the workflow."""

    concurrency: ConcurrencyRule | None = None
    rate: RateRule | None = None
    singleton: SingletonRule | None = None
    debounce: DebounceRule | None = None
    priority: Priority | None = None
