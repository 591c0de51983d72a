"""Keys of models can be secrets; what providers say of them goes no further."""

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from domain.errors import ModelError, ValidationError
from domain.ids import TenantId
from domain.model import ModelRequest, ToolCall
from domain.secret import SecretBinding
from infrastructure.models.discretion import Discretion
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Endpoint, ModelSettings
from infrastructure.models.words import LONGEST_MESSAGE
from infrastructure.secrets.redactor import Redactor
from infrastructure.secrets.resolver import BoundSecrets
from infrastructure.secrets.sources import Environment

VALUE = "key_9f8sT2kLqWv0ZxY7"
MODEL = "openai/far"
THERE = "https://models.example:8443/v1"


class RateLimitError(Exception):
    """As litellm calls it."""


class Stream:
    """Of one piece."""

    received_finish_reason, intermittent_finish_reason = "stop", None

    def __init__(self, piece: object) -> None:
        self.chunks = [piece]

    async def __aiter__(self) -> AsyncIterator[object]:
        yield self.chunks[0]

    async def aclose(self) -> None:
        pass


class Library:
    """Says what it was asked with, as careless providers do."""

    asked_with: str = ""
    answers: bool = False
    padding: str = ""

    async def acompletion(self, *, stream: bool, **arguments: object) -> object:
        self.asked_with = str(arguments["api_key"])
        if not self.answers:
            raise RateLimitError(f"too much for {self.padding}{self.asked_with}")
        text = json.dumps({"key": self.asked_with})
        call = SimpleNamespace(id="1", index=0, function=SimpleNamespace(name="tell", arguments=text))
        said = SimpleNamespace(content=text, tool_calls=[call])
        answer = SimpleNamespace(choices=[SimpleNamespace(message=said, finish_reason="stop")])
        return Stream(answer) if stream else answer

    async def close_litellm_async_clients(self) -> None:
        pass


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    found = Library()
    monkeypatch.setattr("infrastructure.models.litellm._load", lambda: found)
    return found


def discretion(*tenants: str, hosts: tuple[str, ...] = ("models.example:8443",), **environment: str) -> Discretion:
    redactor = Redactor()
    bound = SecretBinding("key", "env", "KEY", hosts, tuple(map(TenantId, tenants or ("default",))))
    secrets = BoundSecrets({"key": bound}, {"env": Environment(environment or {"KEY": VALUE})}, redactor)
    return Discretion(secrets, redactor)


async def failure(endpoint: Endpoint, given: Discretion) -> ModelError:
    models = ConfiguredModels(ModelSettings(endpoints={MODEL: endpoint}), discretion=given)
    with pytest.raises(ModelError) as caught:
        await models.complete(ModelRequest(MODEL, ({"role": "user", "content": "hello"},)))
    return caught.value


async def test_a_key_is_a_secret_that_goes_to_the_endpoint_and_not_into_its_errors(library: Library) -> None:
    error = await failure(Endpoint(THERE, "${secret.key}"), discretion())

    assert library.asked_with == VALUE
    assert (error.code, error.message.partition(" - ")[0]) == ("model_rate_limited", "openai/far: too much for [secret key]")


async def test_a_key_is_taken_out_of_an_error_before_it_is_cut_to_its_length(library: Library) -> None:
    library.padding = "x" * (LONGEST_MESSAGE - 20)

    error = await failure(Endpoint(THERE, "${secret.key}"), discretion())

    assert "key_9" not in error.message
    assert error.message.partition(" - ")[0].endswith("x[secret ...")


async def test_a_key_may_have_more_than_the_secret_in_it(library: Library) -> None:
    await failure(Endpoint(THERE, "prefix-${secret.key}"), discretion())

    assert library.asked_with == f"prefix-{VALUE}"


async def test_a_key_that_cannot_be_had_is_a_refused_key(library: Library) -> None:
    error = await failure(Endpoint(THERE, "${secret.key}"), discretion(OTHER="x"))

    assert (error.code, error.retryable) == ("model_auth", False)
    assert "the variable KEY is not set" in error.message
    assert library.asked_with == ""


@pytest.mark.parametrize(
    ("endpoint", "given", "reason"),
    [
        pytest.param(Endpoint(THERE, "${secret.other}"), discretion(), "there is no secret other", id="one that is not there"),
        pytest.param(
            Endpoint("https://evil.example", "${secret.key}"), discretion(), "may not go to https://evil.example:443", id="another host"
        ),
        pytest.param(
            Endpoint("https://models.example", "${secret.key}"), discretion(), "may not go to https://models.example:443", id="port"
        ),
        pytest.param(Endpoint(None, "${secret.key}"), discretion(), "may not go to a host that is not named", id="the provider's own host"),
        pytest.param(Endpoint(THERE, "${secret.key}"), discretion("acme"), "there is no secret key", id="another tenant's"),
        pytest.param(Endpoint(THERE, "${secrets.key}"), discretion(), "names no secret", id="another form"),
        pytest.param(Endpoint(THERE, "${secret.key}"), Discretion(), "there are no secrets", id="none at all"),
    ],
)
def test_a_key_that_can_never_be_had_stops_the_start(endpoint: Endpoint, given: Discretion, reason: str) -> None:
    with pytest.raises(ValidationError, match=f"^WEFT_MODEL_ENDPOINTS: the `api_key` of {MODEL}: .*{reason}"):
        given.check({"openai/near": Endpoint(THERE, "a-key-itself"), MODEL: endpoint})


def test_the_providers_own_host_takes_a_secret_for_any_host() -> None:
    discretion(hosts=("*",)).check({MODEL: Endpoint(None, "${secret.key}")})


@pytest.mark.parametrize("streamed", [False, True])
async def test_answers_are_looked_at_too(library: Library, streamed: bool) -> None:
    library.answers = True
    heard: list[str] = []
    models = ConfiguredModels(ModelSettings(endpoints={MODEL: Endpoint(THERE, "${secret.key}")}), discretion=discretion())
    asked = ModelRequest(MODEL, ({"role": "user", "content": "hello"},), response_schema={})

    answer = await models.complete(asked, heard.append if streamed else None)

    assert answer.text == '{"key": "[secret key]"}'
    assert answer.json == {"key": "[secret key]"}
    assert answer.tool_calls == (ToolCall("1", "tell", {"key": "[secret key]"}),)
    assert heard == (['{"key": "[secret key]"}'] if streamed else [])
