"""Aliases, prefixes, cards, prices, and adapters from other packages."""

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.errors import FactoryError, ModelError, ModelNotFound
from domain.json import JsonObject
from domain.model import ModelRequest
from domain.usage import Money
from infrastructure.models.answer import Answer
from infrastructure.models.prices import BundledPrices, Counted, Price
from infrastructure.models.registry import LONGEST_ANSWER, ConfiguredModels
from infrastructure.models.settings import Endpoint, ModelSettings

HELLO = ({"role": "user", "content": "hello"},)
FAST = ModelSettings({"fast": "scripted/echo", "smart": "openai/gpt-4o-mini"})


def configured(**more: Any) -> ConfiguredModels:
    return ConfiguredModels(ModelSettings(FAST.aliases, **more))


async def test_an_alias_stands_for_a_model() -> None:
    response = await configured().complete(ModelRequest("fast", HELLO))

    assert (response.model, response.usage.model) == ("scripted/echo", "scripted/echo")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        pytest.param("fast", True, id="an alias"),
        pytest.param("scripted/summary", True, id="a scripted model"),
        pytest.param("scripted/nobody", False, id="no scripted model"),
        pytest.param("openai/gpt-4o-mini", True, id="a listed model"),
        pytest.param("gpt-4o-mini", True, id="a listed model without its provider"),
        pytest.param("openai/published-tomorrow", True, id="a new model of a known provider"),
        pytest.param("openai/", False, id="a provider alone"),
        pytest.param("nonsense/model", False, id="an unknown provider"),
        pytest.param("quick", False, id="no alias"),
        pytest.param("mine/model", True, id="a model with an address of its own"),
    ],
)
def test_known_models(name: str, known: bool) -> None:
    assert configured(endpoints={"mine/model": Endpoint("http://127.0.0.1:9/v1")}).known(name) is known


@pytest.mark.parametrize("name", ["quick", "scripted/nobody", "nonsense/model"])
async def test_an_unknown_model_names_the_known_ones(name: str) -> None:
    with pytest.raises(ModelNotFound, match=f"{name}.*fast.*smart.*scripted/echo"):
        await configured().complete(ModelRequest(name, HELLO))


MINE = {"mine/model": Endpoint("http://127.0.0.1:9/v1", prompt_price=Decimal(1), completion_price=Decimal(2))}


@pytest.mark.parametrize(
    ("name", "max_tokens", "prompt", "longest", "cost"),
    [
        pytest.param("fast", 10, 6, 10, Decimal("0.0000069"), id="what the request allows"),
        pytest.param("fast", None, 6, LONGEST_ANSWER, Decimal("0.0024585"), id="a scripted model"),
        pytest.param("openai/gpt-4o-mini", None, 13, 16_384, Decimal("0.00983235"), id="what the list says"),
        pytest.param("mine/model", 10, 13, 10, Decimal("0.000033"), id="a price of one's own"),
        pytest.param("openai/published-tomorrow", None, 13, LONGEST_ANSWER, None, id="a model that nobody lists"),
    ],
)
def test_what_a_call_uses_at_most(name: str, max_tokens: int | None, prompt: int, longest: int, cost: Decimal | None) -> None:
    usage = configured(endpoints=MINE).at_most(ModelRequest(name, HELLO, max_tokens=max_tokens))

    assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == (prompt, longest, True)
    assert (usage.cost and usage.cost.amount) == cost


SAID = {"type": "object", "properties": {"x": {"type": "integer"}}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("asked", "prompt", "longest"),
    [
        pytest.param({"messages": ({"role": "user", "content": "北京欢迎你"},)}, 8 + 15, 10, id="a script of many bytes"),
        pytest.param({"messages": ({"role": "user", "content": "🦄🧶"},)}, 8 + 8, 10, id="signs that are several tokens each"),
        pytest.param({"messages": ({"role": "user", "content": [PICTURE]},)}, 8 + 48_200, 10, id="a model that counts much for a picture"),
        pytest.param({"messages": ({"role": "user", "content": [{"type": "file", "file": 1}]},)}, 8 + 24, 10, id="a part that is no text"),
        pytest.param({"messages": ({"role": "user", "content": "~" * 4_000_000},)}, 1_000_004, 10, id="more than its window, as we count"),
        pytest.param({"messages": ({"role": "user", "content": "~" * 200_000},)}, 128_000, 10, id="all that its window holds"),
        pytest.param({"messages": HELLO, "response_schema": SAID}, 13 + 600 + 55, 10, id="a schema, and what is said around it"),
        pytest.param({"messages": HELLO, "options": {"prediction": "abc"}}, 13, 10 + 5, id="a prediction, all of it wrong"),
        pytest.param(
            {"messages": HELLO, "max_tokens": None, "options": {"thinking": {"budget_tokens": 30_000}}}, 13, 34_096, id="thinking first"
        ),
    ],
)
def test_a_provider_counts_no_more_than_is_reserved(asked: dict[str, Any], prompt: int, longest: int) -> None:
    usage = configured().at_most(ModelRequest(**{"model": "openai/gpt-4o-mini", "max_tokens": 10, **asked}))

    assert (usage.prompt_tokens, usage.completion_tokens) == (prompt, longest)


@pytest.mark.parametrize(
    ("options", "known"),
    [
        pytest.param({"web_search_options": {"search_context_size": "high"}}, False, id="searches of the web"),
        pytest.param({"service_tier": "priority"}, False, id="a dearer tier"),
        pytest.param({"service_tier": "auto"}, True, id="the usual tier"),
        pytest.param({"top_p": 0.5}, True, id="what costs nothing"),
    ],
)
def test_options_that_cost_by_themselves_have_a_price_only_where_the_owner_set_one(options: dict[str, Any], known: bool) -> None:
    models = configured(endpoints={"openai/gpt-4o": Endpoint(prompt_price=Decimal(5), completion_price=Decimal(20))})

    assert (models.at_most(ModelRequest("smart", HELLO, options=options)).cost is not None) is known
    assert models.at_most(ModelRequest("openai/gpt-4o", HELLO, options=options)).cost is not None


def test_what_a_provider_keeps_may_cost_more_than_what_it_reads() -> None:
    price = Price.per_million(Decimal(3), Decimal(15), written=Decimal("3.75"), reasoning=Decimal(20))

    assert price.at_most(1_000_000, 1_000_000, 0) == Money(Decimal("23.75"))


HOUR: JsonObject = {"type": "ephemeral", "ttl": "1h"}
FIVE_MINUTES: JsonObject = {"type": "ephemeral"}
CLAUDE = "anthropic/claude-haiku-4-5-20251001"


def keeping(control: JsonObject, where: str = "part") -> ModelRequest:
    """A request of a model whose prompt is kept, as is said at one of three places."""
    kept: dict[str, JsonObject] = {place: {"cache_control": control} if place == where else {} for place in ("part", "message", "tool")}
    part: JsonObject = {"type": "text", "text": "hello", **kept["part"]}
    message: JsonObject = {"role": "user", "content": [part], **kept["message"]}
    tool: JsonObject = {"type": "function", "function": {"name": "look"}, **kept["tool"]}
    return ModelRequest(CLAUDE, (message,), tools=(tool,), max_tokens=10)


@pytest.mark.parametrize("where", ["part", "message", "tool"])
def test_what_may_be_kept_for_an_hour_is_reserved_at_the_price_of_an_hour(where: str) -> None:
    short, long = (configured().at_most(keeping(control, where)) for control in (FIVE_MINUTES, HOUR))
    price = BundledPrices().of(CLAUDE)

    assert price is not None
    assert price.hour is not None
    assert (price.written, price.hour) == (Decimal("0.00000125"), Decimal("0.000002"))
    assert short.cost == Money((short.prompt_tokens * price.written + 10 * price.completion).normalize())
    assert long.cost == Money((long.prompt_tokens * price.hour + 10 * price.completion).normalize())


@pytest.mark.parametrize(
    ("control", "told", "cost"),
    [
        pytest.param(FIVE_MINUTES, None, "2.5", id="nobody asked for an hour"),
        pytest.param(HOUR, None, "4", id="somebody did, and is not told how much it was"),
        pytest.param(HOUR, 1_000_000, "3.25", id="the provider tells how much it was"),
        pytest.param(HOUR, 0, "2.5", id="the provider tells that it was nothing"),
        pytest.param(HOUR, 9_000_000, "4", id="no more than all of it"),
    ],
)
def test_what_was_kept_for_an_hour_costs_what_that_costs(control: JsonObject, told: int | None, cost: str) -> None:
    answer = Answer(keeping(control), BundledPrices().of(CLAUDE), begun=True)
    answer.count(Counted(2_000_000, 0, written=2_000_000, hour=told))

    assert answer.usage is not None
    assert answer.usage.cost == Money(Decimal(cost))


def test_what_is_kept_for_an_hour_costs_what_is_written_where_an_owner_does_not_say() -> None:
    plain = Price.per_million(Decimal(3), Decimal(15), written=Decimal("3.75"))
    said = Price.per_million(Decimal(3), Decimal(15), written=Decimal("3.75"), hour=Decimal(6))
    used = Counted(1_000_000, 0, written=1_000_000, hour=1_000_000)

    assert (plain.cost(used), said.cost(used)) == (Money(Decimal("3.75")), Money(Decimal(6)))


def test_a_call_may_have_a_price_of_its_own() -> None:
    price = BundledPrices().of("perplexity/pplx-70b-online")

    assert price is not None
    assert price.cost(Counted(1000, 1000)) == Money(Decimal("0.0078"))
    assert price.at_most(1000, 1000, 0) == Money(Decimal("0.0078"))


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        pytest.param(Counted(-1_000_000, 5), None, id="less than nothing"),
        pytest.param(Counted(10**30, 5), None, id="more than there can be"),
        pytest.param(Counted("17", 5), None, id="a text"),  # type: ignore[arg-type]
        pytest.param(Counted(17, 5, written=9, hour="9"), None, id="a text for an hour"),  # type: ignore[arg-type]
        pytest.param(Counted(10, 5, reasoning=50), (10, 55), id="thoughts beside the answer"),
        pytest.param(Counted(10, 5, cached=90), (100, 5), id="cached tokens beside the others"),
        pytest.param(Counted(17, 5, cached=10, reasoning=5), (17, 5), id="what is usual"),
    ],
)
def test_a_count_that_cannot_be_true_pays_nothing_back(told: Counted, counted: tuple[int, int] | None) -> None:
    answer = Answer(ModelRequest("openai/gpt-4o", HELLO), Price.per_million(Decimal(3), Decimal(15)), begun=True)
    answer.count(told)

    usage = answer.usage
    assert usage is not None
    assert usage.cost is not None
    assert usage.cost.amount >= 0
    assert (usage.prompt_tokens, usage.completion_tokens) == (counted or (6, 0))
    assert usage.estimated is (counted is None)


def test_what_nobody_knows_uses_nothing() -> None:
    with pytest.raises(ModelNotFound, match="nonsense/model"):
        configured().at_most(ModelRequest("nonsense/model", HELLO))


def test_cards_list_aliases_first_then_what_else_is_there() -> None:
    cards = configured(endpoints={"openai/mine": Endpoint("http://127.0.0.1:9/v1")}).cards()

    assert [card.name for card in cards[:3]] == ["fast", "smart", "openai/mine"]
    assert all(card.name.startswith("scripted/") for card in cards[3:])
    assert [card.scripted for card in cards[:3]] == [True, False, False]
    assert cards[1].prompt_price == Money(Decimal("0.15"))
    assert (cards[2].prompt_price, cards[2].usable) == (None, True)


@pytest.mark.parametrize(
    ("settings", "usable", "reason"),
    [
        pytest.param(FAST, False, "no key: set OPENAI_API_KEY", id="a provider without a key"),
        pytest.param(ModelSettings(FAST.aliases, environment={"OPENAI_API_KEY": "x"}), True, "", id="a key in the environment"),
        pytest.param(ModelSettings(FAST.aliases, {"openai/gpt-4o-mini": Endpoint(api_key="x")}), True, "", id="a key of its own"),
        pytest.param(
            ModelSettings({"smart": "scripted/nobody"}), False, "no scripted model scripted/nobody", id="an alias of nothing scripted"
        ),
        pytest.param(ModelSettings({"smart": "nonsense/model"}), False, "no model nonsense/model", id="an alias of nothing"),
        pytest.param(ModelSettings({"smart": "ollama/llama3"}), True, "", id="a provider that needs no key"),
    ],
)
def test_a_card_says_why_a_model_is_not_usable(settings: ModelSettings, usable: bool, reason: str) -> None:
    card = next(card for card in ConfiguredModels(settings).cards() if card.name == "smart")

    assert (card.usable, card.reason) == (usable, reason)


async def test_a_call_without_a_key_fails_before_anything_is_loaded() -> None:
    loaded_before = "litellm" in sys.modules

    with pytest.raises(ModelError, match="OPENAI_API_KEY") as caught:
        await configured().complete(ModelRequest("smart", HELLO))

    assert caught.value.code == "model_auth"
    assert ("litellm" in sys.modules) is loaded_before


async def test_warming_loads_nothing_when_only_scripted_models_can_be_used() -> None:
    loaded_before = "litellm" in sys.modules

    await configured().warm()

    assert ("litellm" in sys.modules) is loaded_before


def test_settings_do_not_show_keys() -> None:
    assert "secret" not in repr(ModelSettings(endpoints={"a/b": Endpoint(api_key="secret")}, environment={"OPENAI_API_KEY": "secret"}))


ADAPTER = """
class Adapter:
    prefix = "{prefix}"

    async def complete(self, request, on_text=None):
        from domain.model import FinishReason, ModelResponse
        from domain.usage import Usage

        return ModelResponse("from elsewhere", request.model, FinishReason.STOP, Usage(request.model, 1, 1))


adapter = Adapter()
"""


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another package is installed, with an adapter under the name `elsewhere`."""
    (tmp_path / "elsewhere_models.py").write_text(ADAPTER.format(prefix=request.param))
    info = tmp_path / "elsewhere_models-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[weft.models]\nelsewhere = elsewhere_models:adapter\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("elsewhere_models", None)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("elsewhere", ["elsewhere"], indirect=True)
async def test_an_adapter_of_another_package_answers_for_its_prefix() -> None:
    models = ConfiguredModels(ModelSettings({"fast": "elsewhere/one"}))

    assert models.known("elsewhere/two")
    assert (await models.complete(ModelRequest("fast", HELLO))).text == "from elsewhere"
    assert models.cards()[0].usable


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("elsewhere", ["another"], indirect=True)
async def test_an_adapter_that_is_not_what_its_entry_point_says_is_refused() -> None:
    with pytest.raises(FactoryError, match="elsewhere_models:adapter"):
        await ConfiguredModels(ModelSettings()).complete(ModelRequest("elsewhere/one", HELLO))


def test_a_price_is_exact() -> None:
    price = BundledPrices().of("openai/gpt-4o-mini")

    assert price is not None
    assert price.cost(Counted(17, 0)) == Money(Decimal("0.00000255"))
    assert (price.prompt_million, price.completion_million) == (Money(Decimal("0.15")), Money(Decimal("0.6")))


@pytest.mark.parametrize(
    "model", ["openai/unheard-of", "groq/gpt-4o-mini", "nonsense", "openai/dall-e-3", "scripted/echo"], ids=lambda model: f"of {model}"
)
def test_an_unknown_price_is_unknown(model: str) -> None:
    assert BundledPrices().of(model) is None


@pytest.mark.parametrize(
    ("counted", "cost"),
    [
        pytest.param(Counted(1000, 100), "1.2", id="asked and answered"),
        pytest.param(Counted(1000, 100, cached=500), "0.75", id="cached tokens cost less"),
        pytest.param(Counted(1000, 100, written=500), "1.7", id="tokens written to the cache cost more"),
        pytest.param(Counted(1000, 100, reasoning=50), "1.25", id="reasoning has a price"),
        pytest.param(Counted(2000, 100), "2.2", id="up to a tier"),
        pytest.param(Counted(2001, 100), "20.21", id="above a tier all of it"),
        pytest.param(Counted(0, 0), "0", id="nothing"),
    ],
)
def test_what_a_call_costs(counted: Counted, cost: str) -> None:
    above = Price.per_million(Decimal(10_000), Decimal(2_000))
    price = Price(Decimal("0.001"), Decimal("0.002"), Decimal("0.0001"), Decimal("0.002"), Decimal("0.003"), ((2000, above),))

    assert price.cost(counted) == Money(Decimal(cost))


def test_a_call_and_its_pictures_may_have_a_price_of_their_own() -> None:
    price = Price.per_million(Decimal(1), Decimal(1), per_call=Decimal("0.01"), per_image=Decimal("0.002"))

    assert price.cost(Counted(1_000, 0, images=3)) == Money(Decimal("0.017"))
