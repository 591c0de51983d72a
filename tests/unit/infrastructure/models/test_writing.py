"""What an owner writes down about models."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.errors import ValidationError
from domain.json import JsonObject
from domain.model import ModelRequest
from domain.usage import Money
from infrastructure.clock import SystemClock
from infrastructure.models.prices import Counted
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Alias, Endpoint, ModelSettings
from infrastructure.models.written import alias_of, endpoint_of, prices_of
from settings import read_settings
from tests.virtual_time import BEGINNING

GPT = "openai/gpt-4o-mini"
CHEAPER: list[dict[str, str]] = [
    {"from": "2026-02-01", "prompt": "0.10", "completion": "0.40", "cached": "0.05", "per_call": "0.001"},
    {"from": "2026-01-15", "prompt": "0.12", "completion": "0.50", "per_image": "0.02"},
]


class Day(SystemClock):
    def __init__(self, day: int) -> None:
        self.day = day

    def now(self) -> datetime:
        return BEGINNING + timedelta(days=self.day)


def test_an_alias_is_a_name_a_list_or_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_MODELS__fast", GPT)
    monkeypatch.setenv("WEFT_MODELS__chain", f'["{GPT}", "scripted/echo"]')
    monkeypatch.setenv(
        "WEFT_MODELS__more", f'{{"use": ["{GPT}"], "parameters": {{"top_p": 0.5}}, "requests_per_minute": 60, "adapter": "openai"}}'
    )
    found = {name: alias_of(row) for name, row in read_settings().aliases.items()}

    assert found["fast"] == Alias((GPT,))
    assert found["chain"] == Alias((GPT, "scripted/echo"))
    assert found["more"] == Alias((GPT,), {"top_p": 0.5}, None, 60, None, "openai")
    assert found["careful"] == Alias(("scripted/assistant",))


def test_a_file_says_it_in_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weft.toml").write_text(
        f"""
[models.fast]
use = ["{GPT}", "scripted/echo"]
timeout_seconds = 30

[[prices."{GPT}"]]
from = 2026-02-01
prompt = "0.10"
completion = "0.40"

[model_endpoints."{GPT}"]
adapter = "openai"
requests_per_minute = 500
"""
    )
    settings = read_settings()

    assert alias_of(settings.aliases["fast"]) == Alias((GPT, "scripted/echo"), timeout_seconds=30.0)
    assert prices_of(settings.prices[GPT])[0].since == date(2026, 2, 1)
    assert endpoint_of(settings.model_endpoints[GPT]) == Endpoint(adapter="openai", requests_per_minute=500)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        pytest.param("WEFT_MODELS__fast", "[]", "fast: `use`", id="an alias of nothing"),
        pytest.param("WEFT_MODELS__fast", '["a"', "fast: it begins as JSON, and is none", id="half a list"),
        pytest.param("WEFT_MODELS__fast", '{"use": ["a"], "time": 1}', "fast: `time`", id="a key that nobody knows"),
        pytest.param(
            "WEFT_MODELS__fast",
            '{"use": ["a"], "parameters": {"api_base": "x"}}',
            "no parameter api_base",
            id="one that leads away",
        ),
        pytest.param("WEFT_MODELS__fast", '{"use": ["a"], "adapter": "x"}', "fast: `adapter`", id="an adapter that is none"),
        pytest.param("WEFT_PRICES", '{"a/b": [{"from": "2026-01-01", "prompt": 0.15, "completion": 1}]}', "written as text", id="a float"),
        pytest.param("WEFT_PRICES__a/b", '[{"from": "2026-01-01", "prompt": -1, "completion": 1}]', "`prompt`", id="less than nothing"),
        pytest.param("WEFT_PRICES__a/b", "[]", "a/b: at least one price", id="no price"),
        pytest.param("WEFT_PRICES__a/b", '[{"prompt": "1", "completion": "1"}]', "`from`", id="a price from no day on"),
        pytest.param("WEFT_MODEL_ENDPOINTS", '{"a/b": {"requests_per_minute": 0}}', "whole number", id="a limit of nothing"),
        pytest.param("WEFT_MODEL_ENDPOINTS", '{"a/b": {"adapter": "x"}}', "must be litellm or openai", id="an endpoint's adapter"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as refused:
        read_settings()

    assert words in refused.value.message


def test_a_number_in_a_variable_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"WEFT_PRICES__{GPT}", '[{"from": "2026-01-01", "prompt": 0.1234567890123456789, "completion": 1}]')
    with pytest.raises(ValidationError, match="written as text"):
        read_settings()
    monkeypatch.setenv(f"WEFT_PRICES__{GPT}", '[{"from": "2026-01-01", "prompt": 0.123456789012, "completion": 1}]')

    assert prices_of(read_settings().prices[GPT])[0].price.prompt_million == Money(Decimal("0.123456789012"))


def test_two_prices_from_one_day_on_are_refused() -> None:
    with pytest.raises(ValueError, match="two prices from the same day on"):
        prices_of([CHEAPER[0], CHEAPER[0]])


@pytest.mark.parametrize(
    ("day", "price", "since"),
    [
        pytest.param(0, "0.15", None, id="before the first the list holds"),
        pytest.param(13, "0.15", None, id="the day before"),
        pytest.param(14, "0.12", date(2026, 1, 15), id="the day itself"),
        pytest.param(30, "0.12", date(2026, 1, 15), id="until the next"),
        pytest.param(31, "0.1", date(2026, 2, 1), id="from the next on"),
    ],
)
def test_the_price_of_the_day_of_the_call_holds(day: int, price: str, since: date | None) -> None:
    models = ConfiguredModels(ModelSettings({"fast": GPT}, prices={GPT: prices_of(CHEAPER)}), clock=Day(day))
    card = models.cards()[0]

    assert (card.prompt_price, card.price_since) == (Money(Decimal(price)), since)
    asked = models.at_most(ModelRequest("fast", ({"role": "user", "content": "x" * 4_000},), max_tokens=1))
    assert asked.cost is not None
    assert asked.cost.amount >= Decimal(price) / 1_000


def test_a_price_has_parts() -> None:
    later = prices_of(CHEAPER)[1].price

    assert later.cost(Counted(1_000_000, 1_000_000, cached=500_000)) == Money(Decimal("0.476"))


def test_a_picture_costs_what_is_said() -> None:
    models = ConfiguredModels(ModelSettings({"fast": GPT}, prices={GPT: prices_of(CHEAPER)}), clock=Day(20))
    picture: JsonObject = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    plain = models.at_most(ModelRequest("fast", ({"role": "user", "content": []},), max_tokens=1))
    seen = models.at_most(ModelRequest("fast", ({"role": "user", "content": [picture, picture]},), max_tokens=1))

    assert plain.cost is not None
    tokens = seen.prompt_tokens - plain.prompt_tokens
    assert tokens > 0
    assert seen.cost == plain.cost + Money(Decimal("0.04") + tokens * Decimal("0.12") / 1_000_000)


def test_a_model_that_nobody_lists_says_so() -> None:
    card = ConfiguredModels(ModelSettings({"fast": "openai/published-tomorrow"})).cards()[0]

    assert (card.prompt_price, card.price_reason) == (None, "nobody says what openai/published-tomorrow costs: set WEFT_PRICES")
