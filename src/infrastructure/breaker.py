"""Whoever fails again and again is left alone for a while: calls fail at once, and cost neither time nor attempts of theirs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from domain.errors import WeftError
from domain.ports.clock import Clock

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """`failures` in a row open it, 0: never; after `seconds` one call tries again, and closes it or opens it anew."""

    failures: int = 10
    seconds: float = 30.0


class Judge(Protocol):
    """What failures mean where the breaker is."""

    def is_down(self, error: WeftError) -> bool:
        """Is it a sign that nothing works there? False: it answered."""

    def left_alone(self, message: str, seconds: float) -> WeftError:
        """For whoever calls meanwhile: retryable, after so many seconds."""


@dataclass(slots=True)
class Breaker:
    """Of one of those that are called, in one process. Closed, open until a time, or half open: one call is trying."""

    name: str
    policy: BreakerPolicy
    clock: Clock
    judge: Judge
    failures: int = 0
    opened_at: float | None = None
    is_trying: bool = False

    async def call(self, ask: Callable[[], Awaitable[Given]]) -> Given:
        """What the judge says to whoever is to leave it alone, retryable; else what the call gives or raises."""
        trying = self._admit()
        try:
            given = await ask()
        except WeftError as error:
            self._failed(error, trying)
            raise
        finally:
            if trying:
                self.is_trying = False
        self.failures, self.opened_at = 0, None
        return given

    def _admit(self) -> bool:
        """Is this the call that tries whether it works again?"""
        if self.opened_at is None:
            return False
        left = self.opened_at + self.policy.seconds - self.clock.monotonic()
        if left > 0 or self.is_trying:
            wait = max(left, 1.0)
            message = f"{self.name} failed {self.failures} times in a row and is left alone: try again in {wait:.0f} s"
            raise self.judge.left_alone(message, wait)
        self.is_trying = True
        return True

    def _failed(self, error: WeftError, trying: bool) -> None:
        if not self.judge.is_down(error):
            self.failures, self.opened_at = 0, None
            return
        self.failures += 1
        if trying or (self.policy.failures and self.failures >= self.policy.failures):
            self.opened_at = self.clock.monotonic()


@dataclass(frozen=True, slots=True)
class Breakers:
    """One for each that was called."""

    policy: BreakerPolicy
    clock: Clock
    judge: Judge
    _breakers: dict[str, Breaker] = field(default_factory=dict)

    def of(self, name: str) -> Breaker:
        if name not in self._breakers:
            self._breakers[name] = Breaker(name, self.policy, self.clock, self.judge)
        return self._breakers[name]
