"""When a provider of models is left alone for a while."""

from typing import Final

from domain.errors import WeftError
from domain.ports.clock import Clock
from infrastructure.breaker import BreakerPolicy, Breakers
from infrastructure.models.failures import model_error

AN_ANSWER: Final = frozenset({"model_stream_cut", "model_garbage"})
"""Retryable, and yet no sign that a provider is down: it answered."""


class _Providers:
    def is_down(self, error: WeftError) -> bool:
        """One that asks for a pause is not: it gets one, and calls wait for it."""
        asks_for_a_pause = error.code == "model_rate_limited" and error.retry_after is not None
        return error.retryable and error.code not in AN_ANSWER and not asks_for_a_pause

    def left_alone(self, message: str, seconds: float) -> WeftError:
        return model_error("provider_open", message, seconds)


def provider_breakers(policy: BreakerPolicy, clock: Clock) -> Breakers:
    return Breakers(policy, clock, _Providers())
