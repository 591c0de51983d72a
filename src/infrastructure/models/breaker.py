"""A provider that fails again and again is left alone for a while: calls fail at once, and cost neither time nor attempts of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from domain.errors import ModelError
from domain.model import ModelResponse
from domain.ports.clock import Clock
from infrastructure.models.failures import model_error

AN_ANSWER: Final = frozenset({"model_stream_cut", "model_garbage"})
"""Retryable, and yet no sign that a provider is down: it answered."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """`failures` in a row open it, 0: never; after `seconds` one call tries again, and closes it or opens it anew."""

    failures: int = 10
    seconds: float = 30.0


@dataclass(slots=True)
class Breaker:
    """Of one provider, in one process. Closed, open until a time, or half open: one call is trying."""

    provider: str
    policy: BreakerPolicy
    clock: Clock
    failures: int = 0
    opened_at: float | None = None
    is_trying: bool = False

    async def call(self, complete: Callable[[], Awaitable[ModelResponse]]) -> ModelResponse:
        """`ModelError` with code `provider_open`, retryable, when the provider is left alone; else what the call gives or raises."""
        trying = self._admit()
        try:
            response = await complete()
        except ModelError as error:
            self._failed(error, trying)
            raise
        finally:
            if trying:
                self.is_trying = False
        self.failures, self.opened_at = 0, None
        return response

    def _admit(self) -> bool:
        """Is this the call that tries whether the provider is back?"""
        if self.opened_at is None:
            return False
        left = self.opened_at + self.policy.seconds - self.clock.monotonic()
        if left > 0 or self.is_trying:
            wait = max(left, 1.0)
            message = f"{self.provider} failed {self.failures} times in a row and is left alone: try again in {wait:.0f} s"
            raise model_error("provider_open", message, wait)
        self.is_trying = True
        return True

    def _failed(self, error: ModelError, trying: bool) -> None:
        if not error.retryable or error.code in AN_ANSWER:
            self.failures, self.opened_at = 0, None
            return
        self.failures += 1
        if trying or (self.policy.failures and self.failures >= self.policy.failures):
            self.opened_at = self.clock.monotonic()


@dataclass(frozen=True, slots=True)
class Breakers:
    """One for each provider that was called."""

    policy: BreakerPolicy
    clock: Clock
    _breakers: dict[str, Breaker] = field(default_factory=dict)

    def of(self, provider: str) -> Breaker:
        if provider not in self._breakers:
            self._breakers[provider] = Breaker(provider, self.policy, self.clock)
        return self._breakers[provider]
