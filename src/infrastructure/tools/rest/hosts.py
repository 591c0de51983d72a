"""What one process remembers of those it calls: whether they fail again and again, and how often it has tried again."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from domain.errors import ToolError, WeftError
from domain.ids import TenantId
from domain.ports.clock import Clock
from infrastructure.breaker import Breaker, BreakerPolicy

MOST_HOSTS: Final = 10_000
WINDOW: Final = 60.0
FLOOR: Final = 10
SHARE: Final = 0.1
POLICY: Final = BreakerPolicy()


class _OfHosts:
    def is_down(self, error: WeftError) -> bool:
        """Being busy (429) or early is an answer."""
        return error.retryable and error.code not in ("http_408", "http_425", "http_429")

    def left_alone(self, message: str, seconds: float) -> WeftError:
        return ToolError(message, "circuit_open", retryable=True, retry_after=seconds)


@dataclass(slots=True)
class RetryBudget:
    """Trying again makes an outage worse: in a minute there are `FLOOR` retries, and one more for every tenth request."""

    clock: Clock
    began: float = 0.0
    requests: int = 0
    retries: int = 0

    def count(self) -> None:
        self._turn()
        self.requests += 1

    def spend(self) -> bool:
        """Is there one left? Then it is taken."""
        self._turn()
        if self.retries >= FLOOR + SHARE * self.requests:
            return False
        self.retries += 1
        return True

    def _turn(self) -> None:
        now = self.clock.monotonic()
        if now - self.began >= WINDOW:
            self.began, self.requests, self.retries = now, 0, 0


@dataclass(frozen=True, slots=True)
class Host:
    breaker: Breaker
    budget: RetryBudget


@dataclass(frozen=True, slots=True)
class Hosts:
    """Each tenant has its own: nobody's failing calls stop another's. Those that were not called for longest are forgotten."""

    clock: Clock
    policy: BreakerPolicy = POLICY
    _known: OrderedDict[tuple[TenantId, str], Host] = field(default_factory=OrderedDict)

    def of(self, tenant: TenantId, origin: str) -> Host:
        key = (tenant, origin)
        if key not in self._known:
            breaker = Breaker(origin, self.policy, self.clock, _OfHosts())
            self._known[key] = Host(breaker, RetryBudget(self.clock, self.clock.monotonic()))
            if len(self._known) > MOST_HOSTS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]
