"""A provider that is down is left alone for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from domain.errors import ModelError
from domain.model import FinishReason, ModelResponse
from domain.usage import Usage
from infrastructure.breaker import BreakerPolicy
from infrastructure.clock import SystemClock
from infrastructure.models.breaker import provider_breakers
from infrastructure.models.failures import model_error

ANSWER = ModelResponse("hello", "openai/gpt", FinishReason.STOP, Usage("openai/gpt", 1, 1))
POLICY = BreakerPolicy(failures=3, seconds=30.0)
DOWN = model_error("model_unavailable", "503")


@dataclass
class HandClock(SystemClock):
    """Moves when it is told to."""

    time: float = 0.0

    def monotonic(self) -> float:
        return self.time


@dataclass
class Provider:
    """Answers as it is told: an error is raised, None is an answer."""

    policy: BreakerPolicy = POLICY
    clock: HandClock = field(default_factory=HandClock)
    asked: int = 0

    def __post_init__(self) -> None:
        self.breaker = provider_breakers(self.policy, self.clock).of("openai")

    async def call(self, error: ModelError | None = None) -> str:
        """The code of what the caller gets, or `answered`."""

        async def complete() -> ModelResponse:
            self.asked += 1
            await asyncio.sleep(0)
            if error is not None:
                raise error
            return ANSWER

        return await code_of(lambda: self.breaker.call(complete))


async def code_of(call: Callable[[], Awaitable[object]]) -> str:
    try:
        await call()
    except ModelError as error:
        return error.code
    return "answered"


async def test_failures_in_a_row_open_it_and_nothing_is_asked_any_more() -> None:
    provider = Provider()
    codes = [await provider.call(DOWN) for _ in range(5)]

    assert codes == ["model_unavailable"] * 3 + ["provider_open"] * 2
    assert provider.asked == 3


async def test_the_refusal_is_retryable_and_says_when() -> None:
    provider = Provider()
    for _ in range(3):
        await provider.call(DOWN)
    provider.clock.time += 10

    with pytest.raises(ModelError, match="openai failed 3 times in a row") as refused:
        await provider.breaker.call(lambda: asyncio.sleep(0, ANSWER))

    assert refused.value.retryable
    assert refused.value.retry_after == pytest.approx(20)


async def test_an_answer_between_them_begins_the_count_anew() -> None:
    provider = Provider()

    codes = [await provider.call(error) for error in (DOWN, DOWN, None, DOWN, DOWN, None)]

    assert "provider_open" not in codes


@pytest.mark.parametrize("code", ["model_bad_request", "model_auth", "model_garbage", "model_stream_cut"])
async def test_a_provider_that_refuses_is_not_down(code: str) -> None:
    provider = Provider()

    assert [await provider.call(model_error(code, "no")) for _ in range(5)] == [code] * 5


async def test_a_provider_that_asks_for_a_pause_is_not_down_and_one_that_only_refuses_is() -> None:
    asks, refuses = Provider(), Provider()

    assert [await asks.call(model_error("model_rate_limited", "no", 1.0)) for _ in range(5)] == ["model_rate_limited"] * 5
    assert [await refuses.call(model_error("model_rate_limited", "no")) for _ in range(4)][-1] == "provider_open"


async def test_after_the_pause_one_call_tries_and_the_others_wait_for_what_it_finds() -> None:
    provider = Provider()
    for _ in range(3):
        await provider.call(DOWN)
    provider.clock.time += 30

    codes = await asyncio.gather(*(provider.call() for _ in range(4)))

    assert sorted(codes) == ["answered", "provider_open", "provider_open", "provider_open"]
    assert await provider.call() == "answered"


async def test_a_trial_that_fails_opens_it_anew() -> None:
    provider = Provider()
    for _ in range(3):
        await provider.call(DOWN)
    provider.clock.time += 30

    assert [await provider.call(DOWN), await provider.call()] == ["model_unavailable", "provider_open"]
    provider.clock.time += 30
    assert [await provider.call(), await provider.call(DOWN), await provider.call()] == ["answered", "model_unavailable", "answered"]


async def test_a_trial_that_is_cancelled_leaves_the_next_one_to_try() -> None:
    provider = Provider()
    for _ in range(3):
        await provider.call(DOWN)
    provider.clock.time += 30
    trial = asyncio.create_task(provider.call())
    await asyncio.sleep(0)
    assert not trial.done()
    trial.cancel()
    await asyncio.gather(trial, return_exceptions=True)

    assert await provider.call() == "answered"


async def test_with_a_number_of_0_it_never_opens() -> None:
    provider = Provider(BreakerPolicy(failures=0))

    assert [await provider.call(DOWN) for _ in range(50)] == ["model_unavailable"] * 50


def test_each_provider_has_its_own() -> None:
    breakers = provider_breakers(POLICY, HandClock())

    assert breakers.of("openai") is breakers.of("openai")
    assert breakers.of("openai") is not breakers.of("mistral")
