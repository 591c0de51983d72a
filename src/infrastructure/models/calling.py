"""One call of one model: its turn, its breaker, its adapter, and what is said about it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.errors import ModelError
from domain.model import ModelRequest, ModelResponse, OnText, ProviderHealth
from domain.pacing import Rates
from domain.ports.clock import Clock
from domain.usage import Usage
from infrastructure.breaker import Breakers
from infrastructure.models.adapter import ModelAdapter
from infrastructure.models.advice import advised
from infrastructure.models.discretion import Discretion
from infrastructure.models.failures import charging, used_by
from infrastructure.models.listing import Listing
from infrastructure.models.pacer import Pacer, Turn
from infrastructure.models.pulse import Pulse

Line = tuple[str, Rates]
"""A lane, and what goes through it."""


@dataclass(frozen=True, slots=True)
class Calls:
    listing: Listing
    breakers: Breakers
    pacer: Pacer
    pulse: Pulse
    discretion: Discretion
    clock: Clock

    async def __call__(
        self, adapter: ModelAdapter, request: ModelRequest, on_text: OnText | None, patience: float, alias: Line | None
    ) -> ModelResponse:
        """Waits for its turn for at most `patience` seconds, and again when the provider asks for a pause before anything was used."""
        lane = self.listing.lane(request.model)
        lines = [*([] if alias is None else [alias]), (lane, self.listing.rates(request.model))]
        now = self.clock.monotonic()
        ends, waits_until = now + request.timeout_seconds, now + min(patience, request.timeout_seconds)
        while True:
            turns = await self._turns(lines, request, waits_until)
            try:
                return await self._made(adapter, replace(request, timeout_seconds=ends - self.clock.monotonic()), on_text, lane, turns)
            except ModelError as error:
                if not await self._may_wait(error, lane, waits_until):
                    raise advised(error, request, self.listing) from error.__cause__

    async def health(self, lane: str) -> ProviderHealth | None:
        """None: nobody has called it, or asked it for a pause."""
        health, until = await self.pulse.of(lane), await self.pacer.paused_until(lane)
        return health if until is None else replace(health or ProviderHealth(), paused_until=until)

    async def _may_wait(self, error: ModelError, lane: str, until: float) -> bool:
        """Did the provider only ask for a pause that is over in time? The pause is everybody's."""
        if error.code != "model_rate_limited" or not error.retryable or error.retry_after is None:
            return False
        await self.pacer.pause(lane, error.retry_after)
        return used_by(error) is None and self.clock.monotonic() + error.retry_after < until

    async def _turns(self, lines: Sequence[Line], request: ModelRequest, until: float) -> Mapping[Turn, Rates]:
        tokens = self.listing.taken(request)
        return {await self.pacer.turn(lane, rates, tokens, until - self.clock.monotonic()): rates for lane, rates in lines}

    async def _made(
        self, adapter: ModelAdapter, request: ModelRequest, on_text: OnText | None, lane: str, turns: Mapping[Turn, Rates]
    ) -> ModelResponse:
        breaker, hearing = self.breakers.of(lane), self.discretion.hearing(on_text)
        usage: Usage | None = None
        code = ""
        try:
            answer = await breaker.call(lambda: adapter.complete(request, hearing))
            usage = answer.usage
            return self.discretion.of_answer(answer)
        except ModelError as error:
            usage, code = used_by(error), error.code
            raise self.discretion.of_error(error) from error.__cause__
        except asyncio.CancelledError as cancelled:
            usage = used_by(cancelled)
            raise
        finally:
            used = usage.total_tokens if usage else 0
            with charging(usage):
                for turn, rates in turns.items():
                    await self.pacer.settle(turn, rates, used)
                if code != "provider_open":
                    await self.pulse.called(breaker, used, code)
