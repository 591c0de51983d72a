"""One model after the other, until one answers.

Another model is asked where that can help: the one before was refused, busy, down, too small, or said something unreadable. It is not where
the next would be told the same (a request that is wrong, a filter), nor once somebody has seen a part of the answer: that would have to be
taken back. What attempts before used is in the usage of the answer, or of the error, each model's by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, reduce
from typing import Any, Final

from domain.errors import ModelError
from domain.json import JsonObject
from domain.model import ModelRequest, ModelResponse, OnText
from domain.ports.clock import Clock
from domain.usage import Usage
from infrastructure.models.failures import charged, used_by
from infrastructure.models.listing import Listing
from infrastructure.models.settings import Alias

GOES_ON: Final = frozenset(
    {
        *("model_auth", "model_rate_limited", "model_timeout", "model_unavailable", "model_stream_cut", "model_garbage", "provider_open"),
    }
)
OF_A_REQUEST: Final = ("temperature", "max_tokens", "seed", "stop")
PATIENCE: Final = 5.0
"""Seconds that a call waits for its turn where another model could be asked instead."""

Ask = Callable[[ModelRequest, OnText | None, float], Awaitable[ModelResponse]]
"""Asks one model, which waits for its turn for so many seconds at most."""


@dataclass(slots=True)
class _Shown:
    """Has anybody heard something?"""

    on_text: OnText
    anything: bool = False

    def __call__(self, text: str) -> None:
        self.anything = True
        self.on_text(text)


@dataclass
class Chain:
    """Of one call. `request`: without the alias's parameters."""

    alias: Alias
    request: ModelRequest
    listing: Listing
    clock: Clock
    spent: Usage | None = None
    failures: list[ModelError] = field(default_factory=list)

    async def answered(self, ask: Ask, on_text: OnText | None) -> ModelResponse:
        """`ModelError` of those that failed: the first that may be tried again, else the last; with what all of them used."""
        ends = self.clock.monotonic() + self.request.timeout_seconds
        shown = None if on_text is None else _Shown(on_text)
        for number, model in enumerate(self.alias.chain, 1):
            left = ends - self.clock.monotonic()
            if left <= 0 and self.failures:
                raise self._error(self.failures[-1])
            patience = left if number == len(self.alias.chain) else min(left, PATIENCE)
            try:
                answer = await ask(self._asked(model, left), shown, patience)
            except ModelError as error:
                self._failed(error)
                if number == len(self.alias.chain) or (shown and shown.anything) or not self._may_go_on(error, number):
                    raise self._error(error) from error.__cause__
            except asyncio.CancelledError as cancelled:
                charged(cancelled, _both(used_by(cancelled), self.spent))
                raise
            else:
                return replace(answer, usage=answer.usage.beside(self.spent))
        raise AssertionError("a chain has at least one model")

    def at_most(self) -> Usage:
        """The dearest of the models in full, and what the others are asked before they fail."""
        return self._most

    @cached_property
    def _most(self) -> Usage:
        each = [with_parameters(replace(self.request, model=model), self.alias.parameters) for model in self.alias.chain]
        *others, dearest = sorted(map(self.listing.at_most, each), key=_dearness)
        prompts = [self.listing.at_most(request, answer=0) for request in each if request.model != dearest.model]
        total = reduce(lambda sum, other: sum.beside(replace(other, model=sum.model)), prompts, dearest)
        return replace(total, completion_tokens=max(usage.completion_tokens for usage in (*others, dearest)))

    def _asked(self, model: str, left: float) -> ModelRequest:
        """What the alias says holds where the request does not say it. Where models before used something, the answer may be as long as
        what was reserved leaves room for."""
        seconds = min(left, self.alias.timeout_seconds or left)
        asked = self.listing.bounded(with_parameters(replace(self.request, model=model, timeout_seconds=seconds), self.alias.parameters))
        if self.spent is None:
            return asked
        needs = self.listing.at_most(asked)
        room = self._most.total_tokens - self.spent.as_one.total_tokens - needs.prompt_tokens
        return asked if room >= needs.completion_tokens else replace(asked, max_tokens=max(room, 1))

    def _failed(self, error: ModelError) -> None:
        self.failures.append(error)
        self.spent = _both(used_by(error), self.spent)

    def _may_go_on(self, error: ModelError, number: int) -> bool:
        """To the model at `number`, from the one before."""
        before, model = self.alias.chain[number - 1 : number + 1]
        if error.code == "model_context_length":
            small, large = self.listing.window(before), self.listing.window(model)
            helps = small is None or large is None or large > small
        else:
            helps = error.code in GOES_ON
        return helps and self._fits(self.listing.at_most(self._asked(model, 0.0)))

    def _fits(self, other: Usage) -> bool:
        """Is it still within what was reserved? What a call uses beyond that would be nobody's decision."""
        if self.spent is None:
            return True
        most, total = self._most, self.spent.beside(other).as_one
        dear = most.cost is not None and (total.cost is None or total.cost.amount > most.cost.amount)
        return total.total_tokens <= most.total_tokens and not dear

    def _error(self, last: ModelError) -> ModelError:
        told = next((error for error in self.failures if error.retryable), last)
        others = [f"{model}: {error.code}" for model, error in zip(self.alias.chain, self.failures, strict=False) if error is not told]
        if others:
            told.args = (f"{told.message} (beside it: {', '.join(others)})",)
        return charged(told, self.spent)


def with_parameters(request: ModelRequest, parameters: JsonObject) -> ModelRequest:
    """An alias's parameters, where the request does not say otherwise."""
    if not parameters:
        return request
    fields: dict[str, Any] = {
        name: value for name, value in parameters.items() if name in OF_A_REQUEST and getattr(request, name) in (None, ())
    }
    if "stop" in fields:
        fields["stop"] = tuple(fields["stop"])
    options = {name: value for name, value in parameters.items() if name not in OF_A_REQUEST}
    return replace(request, **fields, options={**options, **request.options})


def _both(now: Usage | None, before: Usage | None) -> Usage | None:
    return before if now is None else now.beside(before)


def _dearness(usage: Usage) -> Decimal:
    """What has no price may cost anything."""
    return Decimal("Infinity") if usage.cost is None else usage.cost.amount
