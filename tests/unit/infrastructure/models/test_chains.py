"""An alias that goes on to another model: when, when not, and what all of them used."""

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.errors import ModelError, ModelNotFound
from domain.model import FinishReason, ModelRequest, ModelResponse, OnText
from domain.usage import Usage
from infrastructure.models.chain import GOES_ON, Chain
from infrastructure.models.failures import RETRYABLE, used_by
from infrastructure.models.listing import LONGEST_ANSWER, Listing
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Alias, Endpoint, ModelSettings
from tests.virtual_time import VirtualClock

HELLO = ({"role": "user", "content": "hello"},)
FAILS = {
    **{code: {"rules": [{"fail": {"code": code}}]} for code in RETRYABLE},
    "late": {"rules": [{"answer": "one two three", "fail": {"code": "model_stream_cut", "after_chunks": 1}}]},
    "slow": {"rules": [{"delay_seconds": 3_600}]},
    "good": {"rules": [{"answer": "good"}]},
}
"""A script for each way to fail, and one that answers."""

Configured = Callable[..., ConfiguredModels]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    scripts = tmp_path / "scripts.yaml"
    scripts.write_text(yaml.safe_dump(FAILS))

    def make(*chain: str, endpoints: dict[str, Endpoint] | None = None, **more: Any) -> ConfiguredModels:
        alias = Alias(tuple(name if "/" in name else f"scripted/{name}" for name in chain), **more)
        return ConfiguredModels(ModelSettings({"fast": alias}, endpoints or {}, scripts=scripts), clock=VirtualClock())

    return make


async def ask(models: ConfiguredModels, heard: list[str] | None = None, **more: Any) -> Any:
    return await models.complete(ModelRequest("fast", HELLO, **more), None if heard is None else heard.append)


async def failure(models: ConfiguredModels, heard: list[str] | None = None, **more: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(models, heard, **more)
    return caught.value


@pytest.mark.parametrize("code", sorted(GOES_ON | {"model_context_length"}))
async def test_another_model_is_asked_where_that_can_help(configured: Configured, code: str) -> None:
    answer = await ask(configured(code, "good"))

    assert (answer.text, answer.model) == ("good", "scripted/good")


@pytest.mark.parametrize("code", ["model_bad_request", "model_content_filter"])
async def test_what_the_next_would_refuse_too_is_told_at_once(configured: Configured, code: str) -> None:
    assert (await failure(configured(code, "good"))).code == code


async def test_nothing_that_was_shown_is_taken_back(configured: Configured) -> None:
    heard: list[str] = []

    error = await failure(configured("late", "good"), heard)

    assert (error.code, heard) == ("model_stream_cut", ["one "])


async def test_what_nobody_has_seen_may_begin_anew_and_is_charged_all_the_same(configured: Configured) -> None:
    answer = await ask(configured("late", "good"))

    good, late = answer.usage.calls
    assert (answer.text, good.model, late.model) == ("good", "scripted/good", "scripted/late")
    assert (late.prompt_tokens, late.completion_tokens > 0, late.cost is not None) == (6, True, True)


async def test_when_all_fail_the_error_has_what_they_used_and_is_one_that_may_be_tried_again(configured: Configured) -> None:
    error = await failure(configured("late", "model_auth"))

    assert (error.code, error.retryable) == ("model_stream_cut", True)
    assert "beside it: scripted/model_auth: model_auth" in error.message
    used = used_by(error)
    assert used is not None
    assert [call.model for call in used.calls] == ["scripted/late"]


async def test_each_model_has_the_aliass_time_and_all_of_them_the_calls(configured: Configured) -> None:
    models = configured("slow", "slow", "good", timeout_seconds=10.0)
    loop = asyncio.get_running_loop()

    assert (await ask(models)).text == "good"
    assert loop.time() == pytest.approx(20)
    assert (await failure(models, timeout_seconds=15.0)).code == "model_timeout"
    assert loop.time() == pytest.approx(35)


async def test_a_call_that_is_cancelled_says_what_the_models_before_used(configured: Configured) -> None:
    call = asyncio.create_task(ask(configured("late", "slow")))
    await asyncio.sleep(1)
    call.cancel()

    with pytest.raises(asyncio.CancelledError) as cancelled:
        await call
    used = used_by(cancelled.value)
    assert used is not None
    assert used.model == "scripted/late"


async def test_an_alias_says_what_a_request_does_not(configured: Configured) -> None:
    models = configured("echo", parameters={"max_tokens": 2, "top_p": 0.5})

    assert models.at_most(ModelRequest("fast", HELLO)).completion_tokens == 2
    assert models.at_most(ModelRequest("fast", HELLO, max_tokens=9)).completion_tokens == 9
    assert (await ask(models)).usage.completion_tokens <= 2


@pytest.mark.parametrize(
    ("model", "said", "told"),
    [
        pytest.param("openai/mine", None, LONGEST_ANSWER, id="whose longest answer nobody knows"),
        pytest.param("openai/mine", 9_000, 9_000, id="that a node lets say more"),
        pytest.param("openai/gpt-4o-mini", None, None, id="that is listed"),
    ],
)
async def test_a_model_is_told_the_most_that_is_reserved(model: str, said: int | None, told: int | None) -> None:
    chain = Chain(
        Alias((model,)),
        ModelRequest("fast", HELLO, max_tokens=said),
        Listing(ModelSettings(), frozenset(), lambda: date(2026, 11, 21)),
        VirtualClock(),
    )
    asked = list[int | None]()

    async def ask(request: ModelRequest, on_text: OnText | None, patience: float) -> ModelResponse:
        asked.append(request.max_tokens)
        return ModelResponse("", model, FinishReason.STOP, Usage(model, 1, 1))

    await chain.answered(ask, None)

    assert asked == [told]
    assert chain.at_most().completion_tokens == (told or 16_384)


PRICED = {
    "openai/cheap": Endpoint("http://127.0.0.1:9/v1", prompt_price=Decimal(1), completion_price=Decimal(1)),
    "openai/dear": Endpoint("http://127.0.0.1:9/v1", prompt_price=Decimal(100), completion_price=Decimal(100)),
    "openai/unknown": Endpoint("http://127.0.0.1:9/v1"),
}


def at_most(models: ConfiguredModels) -> tuple[int, int, Decimal | None]:
    usage = models.at_most(ModelRequest("fast", HELLO, max_tokens=10))
    return usage.prompt_tokens, usage.completion_tokens, None if usage.cost is None else usage.cost.amount


def test_at_most_is_the_dearest_in_full_and_the_prompts_of_the_others(configured: Configured) -> None:
    assert at_most(configured("openai/cheap", "openai/dear", endpoints=PRICED)) == (26, 10, Decimal("0.002313"))
    assert at_most(configured("openai/dear", "openai/cheap", endpoints=PRICED)) == (26, 10, Decimal("0.002313"))
    assert at_most(configured("openai/dear", endpoints=PRICED)) == (13, 10, Decimal("0.0023"))


def test_at_most_has_no_price_when_one_of_the_models_has_none(configured: Configured) -> None:
    assert at_most(configured("openai/cheap", "openai/unknown", endpoints=PRICED)) == (26, 10, None)


async def test_no_further_model_is_asked_beyond_what_was_reserved(configured: Configured) -> None:
    """What failed may have used nearly all of it: then the next attempt, with a reservation of its own, decides."""
    models = configured("late", "good")
    most = models.at_most(ModelRequest("fast", HELLO, max_tokens=1))

    assert (await failure(models, max_tokens=1)).code == "model_stream_cut"
    assert most.completion_tokens == 1


def test_a_chain_is_known_when_all_of_it_is(configured: Configured) -> None:
    assert configured("echo", "openai/gpt-4o-mini").known("fast")
    assert not configured("echo", "nonsense/model").known("fast")


async def test_an_unknown_model_of_a_chain_is_named(configured: Configured) -> None:
    with pytest.raises(ModelNotFound, match="no model nonsense/model"):
        await ask(configured("echo", "nonsense/model"))


async def test_an_alias_is_usable_when_one_of_its_models_is_and_says_what_is_wrong_with_the_others(configured: Configured) -> None:
    models = configured("openai/gpt-4o-mini", "good")
    card = models.cards()[0]

    assert (card.usable, card.reason) == (True, "openai/gpt-4o-mini: no key: set OPENAI_API_KEY")
    assert card.chain == ("openai/gpt-4o-mini", "scripted/good")
    assert (await ask(models)).text == "good"


def test_usage_of_a_chain_is_summed_by_model() -> None:
    used = Usage("a", 1, 1).beside(Usage("b", 2, 2)).beside(Usage("a", 3, 3))

    assert [(call.model, call.total_tokens) for call in used.calls] == [("a", 8), ("b", 4)]
