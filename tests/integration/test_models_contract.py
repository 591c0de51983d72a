"""One contract for whoever answers: the scripted model, litellm before an independent server that speaks as OpenAI and as Anthropic do, and
our own adapter before the same one."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.errors import ModelError, ModelNotFound
from domain.json import JsonObject
from domain.model import FinishReason, ModelRequest, ModelResponse
from domain.usage import Usage
from infrastructure.models.answer import Answer
from infrastructure.models.prices import BundledPrices, Counted
from infrastructure.models.received import take
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Alias, Endpoint, ModelSettings
from tests.plugins.aimock import StartModelServer
from tests.servers.aimock import Fixture, ModelServer, running_aimock

GPT = "openai/gpt-4o-mini"
REAL_KEY = "sk-the-real-one"
CLAUDE = "anthropic/claude-sonnet-4-5"
ASKED, SAID = Decimal("0.15"), Decimal("0.60")
TEXT = "Hi there, how are you today?"
LABELS: JsonObject = {"type": "object", "properties": {"label": {"enum": ["billing", "bug"]}}, "required": ["label"]}
WEATHER: JsonObject = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


def about(text: str, response: dict[str, Any], **more: Any) -> Fixture:
    return {"match": {"userMessage": text}, "response": response, **more}


PROVIDER = [
    about("hello", {"content": TEXT, "usage": {"prompt_tokens": 11, "completion_tokens": 7}}, chunkSize=4),
    about("weather", {"toolCalls": [{"name": "get_weather", "arguments": {"city": "SF"}}]}),
    about("label", {"content": '{"label": "bug"}'}),
    about("limit", {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 7}),
    about("broken", {"error": {"message": "boom", "type": "server_error"}, "status": 500}),
    about("refused", {"error": {"message": "Incorrect API key: sk-abcdefghijklmnop", "code": "invalid_api_key"}, "status": 401}),
    about("too long", {"error": {"message": "maximum context length is 10 tokens", "code": "context_length_exceeded"}, "status": 400}),
    about("cut", {"content": "This never ends well."}, chunkSize=5, latency=20, truncateAfterChunks=3),
    about("garbage", {"content": "x"}, chaos={"malformedRate": 1}),
    about("never", {"content": "x"}, streamingProfile={"ttft": 60_000}, chaos={"latencyMs": 30_000}),
]
TALKING_LONGER = [{**fixture, "truncateAfterChunks": 4} if "truncateAfterChunks" in fixture else fixture for fixture in PROVIDER]
"""Anthropic sends one event more before the first text."""

SCRIPT = {
    "rules": [
        {"when": "hello", "answer": TEXT},
        {"when": "weather", "tool_calls": [{"name": "get_weather", "arguments": {"city": "SF"}}]},
        {"when": "label", "json": {"label": "bug"}},
        {"when": "limit", "rate_limited": {"retry_after": 7}},
        {"when": "broken", "fail": {"code": "model_unavailable"}},
        {"when": "refused", "fail": {"code": "model_auth"}},
        {"when": "too long", "fail": {"code": "model_context_length"}},
        {"when": "cut", "answer": "This never ends well.", "fail": {"code": "model_stream_cut", "after_chunks": 1}},
        {"when": "garbage", "fail": {"code": "model_garbage"}},
        {"when": "never", "delay_seconds": 3600},
    ]
}


@dataclass(slots=True)
class Heard:
    """The pieces of a stream, in the order they came."""

    pieces: list[str] = field(default_factory=list)

    def __call__(self, piece: str) -> None:
        self.pieces.append(piece)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """One for all who only ask."""
    with running_aimock(tmp_path_factory.mktemp("provider"), PROVIDER) as server:
        yield server


@pytest.fixture(scope="module")
def talking_longer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    with running_aimock(tmp_path_factory.mktemp("longer"), TALKING_LONGER) as server:
        yield server


@pytest.fixture(params=["scripted", "litellm", "openai", "anthropic"])
async def models(
    request: pytest.FixtureRequest, tmp_path: Path, provider: ModelServer, talking_longer: ModelServer
) -> AsyncIterator[ConfiguredModels]:
    """Either one under the alias `fast`."""
    scripts = tmp_path / "scripts.yaml"
    scripts.write_text(yaml.safe_dump({"contract": SCRIPT}))
    settings = ModelSettings({"fast": "scripted/contract"}, scripts=scripts)
    if request.param == "anthropic":
        settings = ModelSettings({"fast": CLAUDE}, {CLAUDE: Endpoint(talking_longer.origin, prompt_price=ASKED, completion_price=SAID)})
    elif request.param != "scripted":
        settings = ModelSettings({"fast": GPT}, {GPT: Endpoint(provider.base_url, adapter=request.param)})
    configured = ConfiguredModels(settings)
    yield configured
    await configured.close()


@asynccontextmanager
async def at(base_url: str, **endpoint: Any) -> AsyncIterator[ConfiguredModels]:
    """With the provider's own key in the environment."""
    environment = {"OPENAI_API_KEY": REAL_KEY}
    models = ConfiguredModels(ModelSettings({"fast": GPT}, {GPT: Endpoint(base_url, **endpoint)}, environment=environment))
    yield models
    await models.close()


def asking(text: str, **more: Any) -> ModelRequest:
    """For less time than the provider says to wait after `limit`: nobody waits for that."""
    return ModelRequest("fast", ({"role": "user", "content": text},), **{"timeout_seconds": 6.0, **more})


async def failure_of(models: ConfiguredModels, request: ModelRequest, on_text: Callable[[str], None] | None = None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await models.complete(request, on_text)
    return caught.value


def used_by(error: BaseException) -> Usage | None:
    usage = getattr(error, "usage", None)
    assert usage is None or isinstance(usage, Usage)
    return usage


def price_of(response: ModelResponse) -> Decimal:
    """Both cost 0.15 USD a million tokens asked and 0.60 answered."""
    return (response.usage.prompt_tokens * Decimal("0.15") + response.usage.completion_tokens * Decimal("0.60")) / 1_000_000


@pytest.fixture(params=["litellm", "openai"])
def adapter(request: pytest.FixtureRequest) -> str:
    """The two ways to an OpenAI-compatible server."""
    return str(request.param)


@pytest.fixture(params=["at once", "streamed"])
def on_text(request: pytest.FixtureRequest) -> Heard | None:
    """The two ways to ask."""
    return Heard() if request.param == "streamed" else None


async def test_a_text_comes_with_its_tokens_and_an_exact_cost(models: ConfiguredModels, on_text: Heard | None) -> None:
    response = await models.complete(asking("hello"), on_text)

    assert (response.text, response.finish_reason, response.tool_calls) == (TEXT, FinishReason.STOP, ())
    assert response.usage.prompt_tokens > 0
    assert response.usage.completion_tokens == 7
    assert not response.usage.estimated
    assert response.usage.cost is not None
    assert response.usage.cost.amount == price_of(response)


async def test_a_stream_comes_in_pieces_that_make_the_text(models: ConfiguredModels) -> None:
    heard = Heard()

    response = await models.complete(asking("hello"), heard)

    assert len(heard.pieces) > 3
    assert "".join(heard.pieces) == response.text == TEXT


async def test_a_tool_call_has_a_name_an_id_and_parsed_arguments(models: ConfiguredModels, on_text: Heard | None) -> None:
    response = await models.complete(asking("weather", tools=(WEATHER,)), on_text)

    assert response.finish_reason is FinishReason.TOOL_CALLS
    assert [(call.name, call.arguments) for call in response.tool_calls] == [("get_weather", {"city": "SF"})]
    assert all(call.id for call in response.tool_calls)


async def test_a_structured_answer_is_parsed(models: ConfiguredModels, on_text: Heard | None) -> None:
    response = await models.complete(asking("label", response_schema=LABELS), on_text)

    assert response.json == {"label": "bug"}


@pytest.mark.parametrize(
    ("question", "code", "retryable"),
    [
        pytest.param("limit", "model_rate_limited", True, id="a rate limit may be tried again"),
        pytest.param("broken", "model_unavailable", True, id="a 500 may be tried again"),
        pytest.param("refused", "model_auth", False, id="a wrong key stays wrong"),
        pytest.param("too long", "model_context_length", False, id="what is too long stays too long"),
        pytest.param("garbage", "model_garbage", True, id="garbage may be tried again"),
    ],
)
async def test_a_failure_is_typed(models: ConfiguredModels, on_text: Heard | None, question: str, code: str, retryable: bool) -> None:
    error = await failure_of(models, asking(question), on_text)

    assert (error.code, error.retryable) == (code, retryable)
    assert used_by(error) is None
    assert "sk-" not in error.message


async def test_a_rate_limit_says_when_to_come_back(models: ConfiguredModels, on_text: Heard | None) -> None:
    assert (await failure_of(models, asking("limit"), on_text)).retry_after == 7


async def test_a_cut_stream_is_an_error_that_says_what_it_used(models: ConfiguredModels) -> None:
    heard = Heard()

    error = await failure_of(models, asking("cut"), heard)

    assert (error.code, error.retryable) == ("model_stream_cut", True)
    assert heard.pieces == ["This "]
    usage = used_by(error)
    assert usage is not None
    assert usage.completion_tokens > 0
    assert usage.cost is not None


async def test_a_model_that_never_answers_fails_within_its_timeout(models: ConfiguredModels, on_text: Heard | None) -> None:
    await models.warm()
    before = asyncio.get_running_loop().time()

    error = await failure_of(models, asking("never", timeout_seconds=0.3), on_text)

    assert asyncio.get_running_loop().time() - before < 3
    assert (error.code, error.retryable) == ("model_timeout", True)


async def test_an_unknown_model_names_the_known_ones(models: ConfiguredModels) -> None:
    with pytest.raises(ModelNotFound, match="fast"):
        await models.complete(ModelRequest("nonsense/model", ()))


CHAOS = {
    "errors": ({"dropRate": 1}, "model_unavailable"),
    "disconnects": ({"disconnectRate": 1}, "model_unavailable"),
    "garbage": ({"malformedRate": 1}, "model_garbage"),
    "latency": ({"latencyMs": 5_000}, "model_timeout"),
    "rate limits": ({"rateLimitRate": 1}, "model_rate_limited"),
}
WAYS = {
    "litellm": lambda server: {GPT: Endpoint(server.base_url)},
    "openai": lambda server: {GPT: Endpoint(server.base_url, adapter="openai")},
    "anthropic": lambda server: {CLAUDE: Endpoint(server.origin)},
}
"""Ways to the same server: litellm in either shape, and our own adapter."""


@asynccontextmanager
async def going_on_from(server: ModelServer, way: str, seconds: float) -> AsyncIterator[ConfiguredModels]:
    """An alias whose first model is there, and whose second is offline."""
    endpoints = WAYS[way](server)
    models = ConfiguredModels(ModelSettings({"fast": Alias((*endpoints, "scripted/echo"), timeout_seconds=seconds)}, endpoints))
    await models.warm()
    yield models
    await models.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_chain_goes_on_whatever_chaos_befalls_its_first_model(
    model_server: StartModelServer, way: str, on_text: Heard | None
) -> None:
    """For less time than the server says to wait after a rate limit."""
    server = model_server([about(text, {"content": TEXT}, chaos=chaos) for text, (chaos, _) in CHAOS.items()])
    model = next(iter(WAYS[way](server)))

    async with going_on_from(server, way, 0.9) as models:
        alone = [replace(asking(text), model=model, timeout_seconds=0.9) for text in CHAOS]
        answers = [await models.complete(replace(request, model="fast", timeout_seconds=10.0), on_text) for request in alone[:3]]
        codes = [(await failure_of(models, request, on_text)).code for request in alone]

    assert codes == [code for _, code in CHAOS.values()]
    assert {answer.model for answer in answers} == {"scripted/echo"}


@pytest.mark.parametrize("way", WAYS)
async def test_many_calls_under_mixed_chaos_are_all_answered_and_charged(model_server: StartModelServer, way: str) -> None:
    mixed = {"dropRate": 0.2, "malformedRate": 0.2, "disconnectRate": 0.2}
    server = model_server([about("hello", {"content": TEXT, "usage": {"prompt_tokens": 11, "completion_tokens": 7}}, chaos=mixed)])

    async with going_on_from(server, way, 5.0) as models:
        answers = await asyncio.gather(*(models.complete(asking("hello"), Heard() if n % 2 else None) for n in range(40)))

    real = [answer for answer in answers if answer.model != "scripted/echo"]
    assert 0 < len(real) < 40
    assert all(answer.usage.total_tokens == 18 and not answer.usage.estimated for answer in real)
    assert len(server.calls()) == 40, "nobody asks the server twice for one call"


@pytest.mark.parametrize(
    ("chain", "asked"),
    [
        pytest.param(("openai/gpt-4", GPT), 2, id="a model with more room is asked"),
        pytest.param((GPT, "openai/gpt-4"), 1, id="one with less is not"),
    ],
)
async def test_what_is_too_long_goes_on_to_more_room_only(model_server: StartModelServer, chain: tuple[str, ...], asked: int) -> None:
    server = model_server(PROVIDER)
    settings = ModelSettings({"fast": Alias(chain)}, {"openai": Endpoint(server.base_url, adapter="openai")})
    models = ConfiguredModels(settings)

    error = await failure_of(models, asking("too long"))
    await models.close()

    assert error.code == "model_context_length"
    assert "tokens were asked" in error.message
    assert len(server.calls()) == asked


CACHED = {"prompt_tokens_details": {"cached_tokens": 400}, "completion_tokens_details": {"reasoning_tokens": 30}}


async def test_cached_and_reasoning_tokens_are_counted_and_priced(adapter: str, on_text: Heard | None) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 50, "total_tokens": 1_050, **CACHED}
    provider = Reporting(usage, streams=on_text is not None)

    async with served_by(provider) as base_url, at(base_url, adapter=adapter) as models:
        response = await models.complete(asking("hello"), on_text)

    used = response.usage
    assert (used.prompt_tokens, used.cached_tokens, used.completion_tokens, used.reasoning_tokens) == (1_000, 400, 50, 30)
    assert used.cost is not None
    assert used.cost.amount == Decimal("0.00015")  # 600 at 0.15, 400 at 0.075, 50 at 0.60


@dataclass(slots=True)
class Provider:
    """A provider of our own that sends pieces without usage and then holds the line until the caller hangs up."""

    pieces: tuple[str, ...]
    ends: bool = False
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    head: str = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heard.set()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for piece in self.pieces:
            writer.write(f"data: {piece}\n\n".encode())
        await writer.drain()
        while not self.ends and await reader.read(65536):
            pass
        self.hung_up.set()
        writer.close()
        await writer.wait_closed()


@dataclass(slots=True)
class Reporting:
    """A provider that answers one request, with this usage."""

    usage: dict[str, Any]
    streams: bool

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        about: dict[str, Any] = {"id": "1", "created": 1, "model": "m"}
        if self.streams:
            chunk = {**about, "object": "chat.completion.chunk"}
            choice = {"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}
            pieces = [{**chunk, "choices": [choice]}, {**chunk, "choices": [], "usage": self.usage}]
            body = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
            body = json.dumps({**about, "object": "chat.completion", "choices": [choice], "usage": self.usage})
        kind = "text/event-stream" if self.streams else "application/json"
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()


def delta(text: str, finish: str = "null") -> str:
    choice = f'{{"index": 0, "delta": {{"content": "{text}"}}, "finish_reason": {finish}}}'
    return f'{{"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{choice}]}}'


@asynccontextmanager
async def served_by(provider: "Provider | Reporting") -> AsyncIterator[str]:
    server = await asyncio.start_server(provider, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def test_cancelling_closes_the_providers_stream_and_says_what_was_used(adapter: str) -> None:
    provider, spoke = Provider((delta("one "), delta("two "))), asyncio.Event()

    async with served_by(provider) as base_url, at(base_url, adapter=adapter) as models:
        call = asyncio.create_task(models.complete(asking("count"), lambda text: spoke.set() if "two" in text else None))
        await asyncio.wait_for(spoke.wait(), 20)
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await call
        await asyncio.wait_for(provider.hung_up.wait(), 5)

    usage = used_by(cancelled.value)
    assert usage is not None
    assert (usage.completion_tokens, usage.estimated) == (2, True)


async def test_a_stream_that_stalls_fails_within_the_timeout_and_is_closed(adapter: str) -> None:
    provider = Provider((delta("one "),))

    async with served_by(provider) as base_url, at(base_url, adapter=adapter) as models:
        await models.warm()
        error = await failure_of(models, asking("count", timeout_seconds=1.0), Heard())
        await asyncio.wait_for(provider.hung_up.wait(), 5)

    assert error.code == "model_timeout"
    assert used_by(error) is not None


async def test_a_prompt_is_charged_for_when_nobody_waits_for_its_answer_any_more(adapter: str) -> None:
    """Else calls with a short timeout would be free, whatever the provider charges for them."""
    provider = Provider(())

    async with served_by(provider) as base_url, at(base_url, adapter=adapter) as models:
        await models.warm()
        late = used_by(await failure_of(models, asking("hello", timeout_seconds=0.2)))
        provider.heard.clear()
        call = asyncio.create_task(models.complete(asking("hello")))
        await asyncio.wait_for(provider.heard.wait(), 20)
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await call

    for usage in (late, used_by(cancelled.value)):
        assert usage is not None
        assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == (6, 0, True)


async def test_a_stream_is_closed_when_whoever_listens_fails(adapter: str) -> None:
    provider = Provider((delta("one "), delta("two ")))

    def failing(_: str) -> None:
        raise RuntimeError("nobody listens")

    async with served_by(provider) as base_url, at(base_url, adapter=adapter) as models:
        error = await failure_of(models, asking("count"), failing)
        await asyncio.wait_for(provider.hung_up.wait(), 5)

    assert isinstance(error.__cause__, RuntimeError)


async def test_a_stream_that_ends_without_saying_why_is_cut(adapter: str) -> None:
    async with served_by(Provider((delta("one "),), ends=True)) as base_url, at(base_url, adapter=adapter) as models:
        error = await failure_of(models, asking("count"), Heard())

    assert error.code == "model_stream_cut"


async def test_tokens_that_the_provider_does_not_report_are_estimates(adapter: str) -> None:
    provider = Provider((delta("one "), delta("two", '"stop"'), "[DONE]"), ends=True)

    async with served_by(provider) as base_url, at(base_url, adapter=adapter) as models:
        response = await models.complete(asking("count"), Heard())

    assert response.text == "one two"
    assert response.usage.estimated
    assert response.usage.completion_tokens > 0


async def test_a_price_of_ones_own_goes_before_the_listed_one(model_server: StartModelServer, adapter: str) -> None:
    async with at(model_server(PROVIDER).base_url, adapter=adapter, prompt_price=Decimal(1), completion_price=Decimal(2)) as models:
        response = await models.complete(asking("hello"))

    assert response.usage.cost is not None
    assert response.usage.cost.amount == Decimal("0.000025")


async def test_an_unlisted_model_has_an_unknown_cost(model_server: StartModelServer) -> None:
    model = "openai/my-own-model"
    models = ConfiguredModels(ModelSettings(endpoints={model: Endpoint(model_server(PROVIDER).base_url)}))

    response = await models.complete(ModelRequest(model, ({"role": "user", "content": "hello"},)))
    await models.close()

    assert response.text == TEXT
    assert response.usage.cost is None


async def asked_of(server: ModelServer, request: ModelRequest, adapter: str) -> dict[str, Any]:
    """The one request that reached the server."""
    async with at(server.base_url, adapter=adapter) as models:
        await models.complete(request)
    (call,) = server.calls()
    return call


async def test_what_is_asked_reaches_the_provider(model_server: StartModelServer, adapter: str) -> None:
    numbers = {"temperature": 0.5, "max_tokens": 9, "seed": 3}
    extras = {"stop": ("X",), "response_schema": LABELS, "tools": (WEATHER,), "options": {"top_p": 0.5, "rules": []}}

    body = (await asked_of(model_server(PROVIDER), asking("label", **numbers, **extras), adapter))["body"]

    assert body.pop("response_format")["json_schema"]["schema"] == LABELS
    assert {name: value for name, value in body.items() if value is not False} == {
        "_endpointType": "chat",  # the server's own word
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "label"}],
        **numbers,
        "stop": ["X"],
        "top_p": 0.5,
        "tools": [WEATHER],
    }


@pytest.mark.parametrize(
    ("key", "sent"), [pytest.param(None, "none", id="without a key of its own"), pytest.param("my-own", "my-own", id="with one")]
)
async def test_the_providers_key_never_goes_to_another_address(
    key: str | None, sent: str, monkeypatch: pytest.MonkeyPatch, adapter: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", REAL_KEY)
    provider = Provider((delta("one", '"stop"'), "[DONE]"), ends=True)

    async with served_by(provider) as base_url, at(base_url, api_key=key, adapter=adapter) as models:
        await models.complete(asking("count"), Heard())

    assert f"authorization: bearer {sent}\r\n" in provider.head.lower()
    assert REAL_KEY not in provider.head


@pytest.mark.parametrize("option", ["api_base", "api_key", "base_url", "mock_response", "fallbacks", "extra_headers"])
async def test_a_document_cannot_lead_a_call_elsewhere(model_server: StartModelServer, option: str, adapter: str) -> None:
    server = model_server(PROVIDER)

    async with at(server.base_url, adapter=adapter) as models:
        error = await failure_of(models, asking("hello", options={option: "http://127.0.0.1:9"}))

    assert error.code == "model_bad_request"
    assert server.calls() == []


async def test_a_failed_call_is_not_tried_again_by_the_library(model_server: StartModelServer, adapter: str) -> None:
    server = model_server(PROVIDER)

    async with at(server.base_url, adapter=adapter) as models:
        await failure_of(models, asking("broken"))

    assert len(server.calls()) == 1


@pytest.fixture(scope="module")
def addresses() -> Iterator[list[str]]:
    """Every address this process connects to or asks the resolver for, while the list is wanted."""
    seen: list[str] = []
    wanted = [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if wanted[0] and event == "socket.connect":
            seen.append(str(arguments[1][0]))
        elif wanted[0] and event == "socket.getaddrinfo":
            seen.append(str(arguments[0]))

    sys.addaudithook(hook)
    yield seen
    wanted[0] = False


async def test_nothing_but_the_provider_is_connected_to(
    model_server: StartModelServer, addresses: list[str], on_text: Heard | None, adapter: str
) -> None:
    server = model_server(PROVIDER)
    addresses.clear()

    async with at(server.base_url, adapter=adapter) as models:
        await models.complete(asking("hello"), on_text)
        await failure_of(models, asking("broken"), on_text)

    assert {address.split("%")[0] for address in addresses} == {"127.0.0.1"}


@pytest.mark.parametrize("model", [GPT, "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-pro", "openai/o3"])
@pytest.mark.parametrize("counted", [Counted(17, 5), Counted(300_000, 1_000, cached=1_000)], ids=["a short call", "a long call"])
async def test_costs_are_those_of_litellms_own_calculator(model: str, counted: Counted) -> None:
    await ConfiguredModels(ModelSettings({"fast": GPT}, {GPT: Endpoint()})).warm()
    litellm: Any = sys.modules["litellm"]
    usage = litellm.Usage(
        prompt_tokens=counted.prompt, completion_tokens=counted.completion, prompt_tokens_details={"cached_tokens": counted.cached}
    )
    price = BundledPrices().of(model)

    assert price is not None
    assert float(price.cost(counted).amount) == pytest.approx(sum(litellm.cost_per_token(model=model, usage_object=usage)), rel=1e-9)


@pytest.mark.parametrize("asked", [100_000, 300_000], ids=["a short call", "a long call"])
async def test_what_is_kept_for_an_hour_costs_what_litellms_own_calculator_says(asked: int) -> None:
    await ConfiguredModels(ModelSettings({"fast": GPT}, {GPT: Endpoint()})).warm()
    litellm: Any = sys.modules["litellm"]
    kept = {"ephemeral_5m_input_tokens": 20_000, "ephemeral_1h_input_tokens": 60_000}
    details = {"cached_tokens": 0, "cache_creation_tokens": 80_000, "cache_creation_token_details": kept}
    usage = litellm.Usage(
        prompt_tokens=asked,
        completion_tokens=100,
        prompt_tokens_details=details,
        cache_creation_input_tokens=80_000,
        cache_read_input_tokens=0,
    )
    model = "anthropic/claude-sonnet-4-5"
    answer = Answer(ModelRequest(model, ({"role": "user", "content": "hello"},)), BundledPrices().of(model))
    take(answer, litellm.ModelResponse(choices=[], usage=usage))

    assert answer.usage is not None
    assert answer.usage.cost is not None
    theirs = sum(litellm.cost_per_token(model=model, usage_object=usage))
    assert float(answer.usage.cost.amount) == pytest.approx(theirs, rel=1e-9)


LOADING = """
import sys
import infrastructure.models.litellm
import infrastructure.models.registry
loaded = "litellm" in sys.modules
from infrastructure.models.settings import ModelSettings
models = infrastructure.models.registry.ConfiguredModels(ModelSettings({"fast": "openai/gpt-4o-mini"}))
cards = models.cards()
sys.exit(1 if loaded or "litellm" in sys.modules or cards[0].prompt_price is None else 0)
"""


def test_neither_importing_the_adapter_nor_listing_prices_imports_litellm() -> None:
    source = Path(__file__).parents[2] / "src"

    assert subprocess.run([sys.executable, "-c", LOADING], cwd=source, check=False).returncode == 0


async def test_importing_litellm_asks_nobody() -> None:
    """A fresh process: here it may have been imported before anybody listened."""
    program = """
import asyncio, sys
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event in ("socket.connect", "socket.getaddrinfo") else None)
from infrastructure.models.litellm import ProviderModels
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Endpoint, ModelSettings
asyncio.run(ConfiguredModels(ModelSettings({"a": "openai/b"}, {"openai/b": Endpoint("http://127.0.0.1:9")})).warm())
assert "litellm" in sys.modules
sys.exit(repr(seen) if seen else 0)
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=Path(__file__).parents[2] / "src")

    assert await process.wait() == 0
