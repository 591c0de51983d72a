"""Calls over a limit wait for their turn, in one line for all processes; a provider that asks for a pause gets it from everybody."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from domain.errors import DatabaseError, ModelError
from domain.model import FinishReason, ModelRequest, ModelResponse, OnText
from domain.pacing import MARGIN, Rates
from domain.usage import Usage
from infrastructure.breaker import BreakerPolicy
from infrastructure.memory.lanes import MemoryLanes
from infrastructure.models.breaker import provider_breakers
from infrastructure.models.calling import Calls
from infrastructure.models.discretion import Discretion
from infrastructure.models.failures import charged, model_error, used_by
from infrastructure.models.listing import Listing
from infrastructure.models.pacer import Pacer
from infrastructure.models.pulse import Pulse
from infrastructure.models.settings import Endpoint, ModelSettings
from tests.virtual_time import VirtualClock

MODEL = "openai/gpt-4o-mini"
MINUTE = 60 * (1 + MARGIN)


def now() -> float:
    return asyncio.get_running_loop().time()


def pacer(lanes: MemoryLanes | None = None) -> Pacer:
    return Pacer(lanes or MemoryLanes(), VirtualClock())


async def done_at(wait: Callable[[], Awaitable[object]]) -> float:
    await wait()
    return now()


async def test_who_comes_first_goes_first_whichever_process_asks() -> None:
    lanes = MemoryLanes()
    one, other = pacer(lanes), pacer(lanes)
    order: list[int] = []

    async def call(number: int, which: Pacer) -> None:
        await which.turn("key", Rates(requests=2), 0, 600)
        order.append(number)

    await asyncio.gather(*(call(number, (one, other)[number % 2]) for number in range(7)))

    assert order == list(range(7))
    assert now() == pytest.approx(3 * MINUTE)


async def test_a_turn_that_comes_too_late_is_refused_at_once_and_takes_no_place() -> None:
    one = pacer()
    await one.turn("key", Rates(requests=1), 0, 1)
    began = now()

    with pytest.raises(ModelError) as refused:
        await one.turn("key", Rates(requests=1), 0, 30)

    assert now() == began
    assert (refused.value.code, refused.value.retryable) == ("model_rate_limited", True)
    assert refused.value.retry_after == pytest.approx(MINUTE)
    assert await done_at(lambda: one.turn("key", Rates(requests=1), 0, 100)) == pytest.approx(began + MINUTE)


async def test_a_pause_holds_those_who_wait_already_in_other_processes_too() -> None:
    lanes = MemoryLanes()
    one, other = pacer(lanes), pacer(lanes)
    await one.turn("key", Rates(requests=1), 0, 1)
    waiting = asyncio.create_task(done_at(lambda: other.turn("key", Rates(requests=1), 0, 600)))
    await asyncio.sleep(MINUTE - 1)

    await one.pause("key", 30.0)

    assert await waiting == pytest.approx(MINUTE + 29)


async def test_a_pause_holds_those_without_limits_and_then_they_go_a_few_at_a_time() -> None:
    one = pacer()
    await one.pause("key", 10.0)

    times = await asyncio.gather(*(done_at(lambda: one.turn("key", Rates(), 0, 600)) for _ in range(4)))

    assert times == pytest.approx([10, 11, 12, 13])


async def test_without_limits_and_pauses_nothing_is_written() -> None:
    lanes = MemoryLanes()
    await asyncio.gather(*(pacer(lanes).turn("key", Rates(), 0, 1) for _ in range(5)))

    assert await lanes.read("key") is None


async def test_a_call_that_used_less_gives_the_rest_back() -> None:
    one, rates = pacer(), Rates(tokens=1_000)
    turn = await one.turn("key", rates, 900, 1)
    await one.settle(turn, rates, 100)

    assert await done_at(lambda: one.turn("key", rates, 900, 1)) == 0


class Away(MemoryLanes):
    """A database that does not answer."""

    async def read(self, name: str) -> str | None:
        raise DatabaseError("away")


async def test_without_the_database_a_process_paces_itself() -> None:
    one = pacer(Away())
    await one.turn("key", Rates(requests=1), 0, 1)

    assert await done_at(lambda: one.turn("key", Rates(requests=1), 0, 600)) == pytest.approx(MINUTE)


@dataclass
class Provider:
    """Refuses over so many requests in a minute, as providers do, and says when to come again."""

    most: int
    prefix: str = ""
    asked: list[float] = field(default_factory=list)
    refused: int = 0
    retry_after: float | None = 2.0

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        await asyncio.sleep(0.01)
        if len([at for at in self.asked if at > now() - 60]) >= self.most:
            self.refused += 1
            raise model_error("model_rate_limited", "slow down", self.retry_after)
        self.asked.append(now())
        return ModelResponse("ok", MODEL, FinishReason.STOP, Usage(MODEL, 1, 1))


def calls(lanes: MemoryLanes, **endpoint: int) -> Calls:
    clock = VirtualClock()
    settings = ModelSettings(endpoints={MODEL: Endpoint("http://127.0.0.1:9", **endpoint)})  # type: ignore[arg-type]
    listing, breakers = Listing(settings, frozenset(), lambda: clock.now().date()), provider_breakers(BreakerPolicy(), clock)
    return Calls(listing, breakers, Pacer(lanes, clock), Pulse(lanes, clock, "p"), Discretion(), clock)


def asking(seconds: float = 600.0) -> ModelRequest:
    return ModelRequest(MODEL, ({"role": "user", "content": "hello"},), timeout_seconds=seconds)


async def test_fifty_at_once_over_four_processes_are_never_refused_by_a_provider_that_allows_ten_a_minute() -> None:
    provider, lanes = Provider(10), MemoryLanes()
    processes = [calls(lanes, requests_per_minute=10) for _ in range(4)]

    await asyncio.gather(*(processes[number % 4](provider, asking(), None, 600, None) for number in range(50)))

    assert (len(provider.asked), provider.refused) == (50, 0)
    assert now() == pytest.approx(4 * MINUTE, abs=1)


async def test_who_is_asked_to_come_again_does_and_the_others_wait_meanwhile() -> None:
    """Somebody else uses the key too: our own count cannot know."""
    provider, lanes = Provider(10, asked=[-1.0] * 10, retry_after=60.0), MemoryLanes()
    process = calls(lanes, requests_per_minute=10)
    first = asyncio.create_task(process(provider, asking(), None, 600, None))
    await asyncio.sleep(1)

    await asyncio.gather(first, *(process(provider, asking(), None, 600, None) for _ in range(9)))

    assert (provider.refused, len(provider.asked)) == (1, 20)


async def test_a_refusal_that_used_something_is_not_asked_again() -> None:
    class Charging(Provider):
        async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
            self.refused += 1
            raise charged(model_error("model_rate_limited", "slow down", 1.0), Usage(MODEL, 5, 0))

    provider = Charging(0)
    with pytest.raises(ModelError):
        await calls(MemoryLanes())(provider, asking(), None, 600, None)

    assert provider.refused == 1


async def test_who_cannot_wait_so_long_is_told_what_to_do() -> None:
    provider = Provider(0, retry_after=60.0)
    process = calls(MemoryLanes())

    with pytest.raises(ModelError) as refused:
        await process(provider, asking(5.0), None, 5.0, None)

    assert (provider.refused, refused.value.retry_after) == (1, 60.0)
    assert "wait for 60 s, set `requests_per_minute` for its key, or give the alias another model" in refused.value.message


async def test_how_a_provider_is_is_seen_by_every_process() -> None:
    lanes, provider = MemoryLanes(), Provider(1, retry_after=30.0)
    process, other = calls(lanes), calls(lanes)
    lane = process.listing.lane(MODEL)
    await process(provider, asking(), None, 600, None)
    with pytest.raises(ModelError):
        await process(provider, asking(5.0), None, 5.0, None)

    health = await other.health(lane)

    assert health is not None
    assert (health.breaker, health.last_error, health.requests_in_minute, health.tokens_in_minute) == (
        "closed",
        "model_rate_limited",
        2,
        2,
    )
    assert health.paused_until is not None
    await asyncio.sleep(120)
    later = await other.health(lane)
    assert later is not None
    assert (later.requests_in_minute, later.paused_until, later.last_error) == (0, None, "model_rate_limited")


async def test_a_breaker_that_is_open_is_shown_until_it_tries_again() -> None:
    lanes = MemoryLanes()
    process = calls(lanes)

    class Down(Provider):
        async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
            raise model_error("model_unavailable", "503")

    for _ in range(10):
        with pytest.raises(ModelError):
            await process(Down(0), asking(), None, 600, None)
    health = await calls(lanes).health(process.listing.lane(MODEL))
    await asyncio.sleep(31)
    later = await calls(lanes).health(process.listing.lane(MODEL))

    assert (health and health.breaker, later and later.breaker) == ("open", "half_open")


async def test_processes_that_have_gone_are_forgotten() -> None:
    lanes = MemoryLanes()
    for process in [calls(lanes) for _ in range(3)]:
        await process(Provider(99), asking(), None, 600, None)
        await asyncio.sleep(700)

    written = await lanes.read(f"health:{calls(lanes).listing.lane(MODEL)}")
    assert written is not None
    assert len(json.loads(written)) == 1


class Slow(MemoryLanes):
    """Where a process tells how providers are, it waits."""

    async def swap(self, name: str, before: str | None, after: str) -> bool:
        await asyncio.sleep(60)
        return await super().swap(name, before, after)


async def test_who_is_cancelled_after_the_answer_says_what_it_used() -> None:
    call = asyncio.create_task(calls(Slow())(Provider(1), asking(), None, 600, None))
    await asyncio.sleep(30)
    call.cancel()

    with pytest.raises(asyncio.CancelledError) as cancelled:
        await call
    assert used_by(cancelled.value) == Usage(MODEL, 1, 1)
