"""What a refusal means, and what its sentence says to do."""

from datetime import UTC, datetime

import pytest

from domain.model import ModelRequest
from infrastructure.models.advice import advised, overflow
from infrastructure.models.failures import RETRYABLE, model_error
from infrastructure.models.listing import Listing
from infrastructure.models.pieces import refusal
from infrastructure.models.refusals import refused
from infrastructure.models.settings import Endpoint, ModelSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = ModelRequest("openai/gpt-4o-mini", ({"role": "user", "content": "x" * 4_000},))


def listing(**endpoint: str) -> Listing:
    settings = ModelSettings(endpoints={ASKED.model: Endpoint(**endpoint)} if endpoint else {})  # type: ignore[arg-type]
    return Listing(settings, frozenset(), NOW.date)


@pytest.mark.parametrize(
    ("status", "said", "code", "retryable"),
    [
        pytest.param(401, "no", "model_auth", False, id="a wrong key"),
        pytest.param(402, "pay", "model_auth", False, id="an account without money"),
        pytest.param(403, "no", "model_auth", False, id="a key that may not"),
        pytest.param(404, "no such model", "model_bad_request", False, id="a model that is not there"),
        pytest.param(408, "", "model_timeout", True, id="a request that took too long"),
        pytest.param(413, "", "model_context_length", False, id="a body that is too large"),
        pytest.param(400, "maximum context length is 10 tokens", "model_context_length", False, id="a context that is too long"),
        pytest.param(400, "content_policy_violation", "model_content_filter", False, id="a filter"),
        pytest.param(422, "temperature must be at most 2", "model_bad_request", False, id="what is wrong"),
        pytest.param(429, "slow down", "model_rate_limited", True, id="a rate limit"),
        pytest.param(429, "insufficient_quota", "model_rate_limited", False, id="a quota"),
        pytest.param(500, "", "model_unavailable", True, id="a server that failed"),
        pytest.param(503, "", "model_unavailable", True, id="a server that is busy"),
        pytest.param(504, "", "model_timeout", True, id="a gateway that waited"),
        pytest.param(301, "", "model_bad_request", False, id="a server that sends elsewhere"),
    ],
)
def test_a_refusal_keeps_its_meaning(status: int, said: str, code: str, retryable: bool) -> None:
    error = refused(status, said, "", {}, "m", NOW)

    assert (error.code, error.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7, id="seconds"),
        pytest.param({"retry-after-ms": "1500"}, 1.5, id="milliseconds"),
        pytest.param({"retry-after": "Thu, 01 Jan 2026 00:00:20 GMT"}, 20, id="a date"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_when_to_come_again(headers: dict[str, str], seconds: float | None) -> None:
    assert refused(429, "", "", headers, "m", NOW).retry_after == seconds


@pytest.mark.parametrize(
    ("body", "words", "codes"),
    [
        pytest.param({"error": {"message": "no", "type": "t", "code": "c"}}, "no", "t c", id="OpenAI's"),
        pytest.param({"error": "no"}, "no", "", id="a sentence"),
        pytest.param({"message": "no"}, "no", " ", id="a message alone"),
        pytest.param([1], "", "", id="something else"),
        pytest.param(None, "", "", id="nothing"),
    ],
)
def test_a_refusals_words_are_found(body: object, words: str, codes: str) -> None:
    assert refusal(body) == (words, codes)


@pytest.mark.parametrize("code", sorted(set(RETRYABLE) - {"provider_open"}))
def test_every_error_says_what_to_do(code: str) -> None:
    error = advised(model_error(code, "openai/gpt-4o-mini: no."), ASKED, listing())

    assert error.message.startswith("openai/gpt-4o-mini: no - ")
    assert len(error.message.partition(" - ")[2]) > 10


def test_a_refused_key_is_named_where_it_is_set() -> None:
    assert "check the key: OPENAI_API_KEY" in advised(model_error("model_auth", "no"), ASKED, listing()).message
    own = advised(model_error("model_auth", "no"), ASKED, listing(api_key="k")).message
    assert "`api_key` of openai/gpt-4o-mini in WEFT_MODEL_ENDPOINTS" in own


def test_an_account_that_has_nothing_left_is_not_told_to_wait() -> None:
    error = model_error("model_rate_limited", "no")
    error.retryable = False

    assert "pay for more" in advised(error, ASKED, listing()).message


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        pytest.param(
            "This model's maximum context length is 8,192 tokens. However, your messages resulted in 9000 tokens.",
            "9,000 tokens were asked, and 8,192 fit: shorten by 808 tokens, or",
            id="OpenAI",
        ),
        pytest.param(
            "maximum context length is 100 tokens, however you requested 150 tokens (50 in the messages, 100 in the completion)",
            "150 tokens were asked, and 100 fit: shorten by 50 tokens, or",
            id="OpenAI with the answer",
        ),
        pytest.param("prompt is too long: 210000 tokens > 200000 maximum", "shorten by 10,000 tokens", id="Anthropic"),
        pytest.param(
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "shorten by 151,424 tokens",
            id="Gemini",
        ),
        pytest.param(
            "context window exceeded", "about 1,004 tokens were asked, and 500 fit: shorten by about 504 tokens", id="by our own count"
        ),
    ],
)
def test_an_overflow_says_by_how_much(said: str, sentence: str) -> None:
    assert sentence in str(overflow(said, ASKED, 500))


def test_an_overflow_of_a_model_that_nobody_knows_says_what_was_asked() -> None:
    assert str(overflow("too long", ASKED, None)).startswith("about 1,004 tokens were asked: send less")
    assert "and 9,000 fit: shorten it" in str(overflow("too long", ASKED, 9_000))
