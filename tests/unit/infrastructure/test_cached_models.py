"""Identical calls of a model: whose answer comes from where, and for how long."""

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from domain.caller import Caller
from domain.errors import ModelError
from domain.ids import ActivationPath, RunId, TenantId, ThreadId
from domain.model import Caching, FinishReason, ModelRequest, ModelResponse, OnText, Shared
from domain.usage import Money, Usage
from infrastructure.memory.cache import MemoryCache
from infrastructure.models.caching import CachedModels
from infrastructure.models.failures import used_by
from tests.fakes import OneModel

HERE = Caller(TenantId("a"), RunId("r"), ActivationPath("/n#1"), workflow="triage@1.0.0", thread=ThreadId("t"))
NEXT_RUN = replace(HERE, run=RunId("r2"))
NEXT_THREAD = replace(NEXT_RUN, thread=ThreadId("t2"))
NEXT_VERSION = replace(NEXT_THREAD, workflow="triage@2.0.0")
ELSEWHERE = replace(NEXT_THREAD, workflow="other@1.0.0")
STRANGER = replace(HERE, tenant=TenantId("b"))


@dataclass
class Counted(OneModel):
    asked: list[ModelRequest] = field(default_factory=list)
    finish: FinishReason = FinishReason.STOP
    stands_for: str = "parrot"
    fails: int = 0

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        self.asked.append(request)
        await asyncio.sleep(0)
        if len(self.asked) <= self.fails:
            raise ModelError("away", "model_unavailable")
        usage = Usage("parrot", 7, 3, Money(Decimal("0.25"), "EUR"), cached_tokens=2)
        return ModelResponse("hello", "parrot", self.finish, usage)

    def at_most(self, request: ModelRequest) -> Usage:
        return Usage(self.stands_for, 1, 1)


def request(caller: Caller | None = HERE, shared: Shared = Shared.WORKFLOW, seconds: float = 60.0, **said: Any) -> ModelRequest:
    messages = ({"role": "user", "content": said.pop("prompt", "hi")},)
    return ModelRequest(said.pop("model", "parrot"), messages, caller=caller, caching=Caching(seconds, shared), **said)


async def test_an_identical_call_costs_nothing_and_says_so() -> None:
    inner, heard = Counted(), list[str]()
    models = CachedModels(inner, MemoryCache(1.0))

    first = await models.complete(request())
    again = await models.complete(request(), heard.append)

    assert (len(inner.asked), first.cached, again.cached, heard) == (1, False, True, ["hello"])
    assert again == replace(first, cached=True, usage=Usage("parrot", 0, 0, Money(Decimal(0), "EUR")))


@pytest.mark.parametrize(
    "said",
    [
        {"prompt": "ho"},
        {"model": "other"},
        {"temperature": 0.5},
        {"max_tokens": 5},
        {"stop": (".",)},
        {"seed": 1},
        {"response_schema": {"type": "object"}},
        {"tools": ({"type": "function"},)},
        {"options": {"top_p": 0.5}},
    ],
    ids=lambda said: next(iter(said)),
)
async def test_whatever_determines_the_answer_makes_another_call(said: dict[str, Any]) -> None:
    inner = Counted()
    models = CachedModels(inner, MemoryCache(1.0))

    await models.complete(request())
    await models.complete(request(**said))

    assert len(inner.asked) == 2


async def test_an_alias_that_stands_for_another_model_by_now_is_asked_anew() -> None:
    inner = Counted()
    models = CachedModels(inner, MemoryCache(1.0))

    await models.complete(request())
    inner.stands_for = "raven"
    await models.complete(request())

    assert len(inner.asked) == 2


@pytest.mark.parametrize(
    ("shared", "among"),
    [
        (Shared.RUN, {HERE}),
        (Shared.THREAD, {HERE, NEXT_RUN}),
        (Shared.WORKFLOW, {HERE, NEXT_RUN, NEXT_THREAD, NEXT_VERSION}),
        (Shared.TENANT, {HERE, NEXT_RUN, NEXT_THREAD, NEXT_VERSION, ELSEWHERE}),
    ],
    ids=lambda value: value.value if isinstance(value, Shared) else "",
)
async def test_an_answer_is_shared_within_its_scope_and_never_with_another_tenant(shared: Shared, among: set[Caller]) -> None:
    for caller in (HERE, NEXT_RUN, NEXT_THREAD, NEXT_VERSION, ELSEWHERE, STRANGER):
        models = CachedModels(Counted(), MemoryCache(1.0))
        await models.complete(request(shared=shared))

        assert (await models.complete(request(caller, shared))).cached == (caller in among)


async def test_an_answer_is_forgotten_after_its_time() -> None:
    now = [0.0]
    inner = Counted()
    models = CachedModels(inner, MemoryCache(1.0, now=lambda: now[0]))

    await models.complete(request(seconds=60.0))
    now[0] = 59.0
    assert (await models.complete(request(seconds=60.0))).cached
    now[0] = 61.0
    assert not (await models.complete(request(seconds=60.0))).cached


@pytest.mark.parametrize("why", ["cut", "unfit", "nobody asks", "no caching"])
async def test_what_is_not_worth_it_is_not_kept(why: str) -> None:
    inner = Counted(finish=FinishReason.LENGTH if why == "cut" else FinishReason.STOP)
    asked = request(None if why == "nobody asks" else HERE)
    caching = {"unfit": Caching(60.0, keeps=lambda response: False), "no caching": None}.get(why, asked.caching)
    models = CachedModels(inner, MemoryCache(1.0))

    for _ in range(2):
        await models.complete(replace(asked, caching=caching))

    assert len(inner.asked) == 2


async def test_identical_calls_at_once_are_one() -> None:
    inner = Counted()
    models = CachedModels(inner, MemoryCache(1.0))

    found = await asyncio.gather(*(models.complete(request()) for _ in range(20)))

    assert len(inner.asked) == 1
    assert sum(one.cached for one in found) == 19


async def test_whoever_waited_for_a_call_that_failed_asks_itself() -> None:
    inner = Counted(fails=1)
    models = CachedModels(inner, MemoryCache(1.0))

    first, second = await asyncio.gather(models.complete(request()), models.complete(request()), return_exceptions=True)

    assert isinstance(first, ModelError)
    assert isinstance(second, ModelResponse)
    assert len(inner.asked) == 2


class Slow(MemoryCache):
    def __init__(self) -> None:
        super().__init__(1.0)
        self.is_set = asyncio.Event()

    async def set(self, key: str, value: bytes, seconds: float | None = None) -> None:
        self.is_set.set()
        await asyncio.Event().wait()


async def test_who_is_cancelled_while_the_answer_is_put_away_says_what_it_used() -> None:
    cache = Slow()
    call = asyncio.create_task(CachedModels(Counted(), cache).complete(request()))
    await cache.is_set.wait()
    call.cancel()

    with pytest.raises(asyncio.CancelledError) as cancelled:
        await call
    used = used_by(cancelled.value)
    assert used is not None
    assert used.total_tokens == 10
