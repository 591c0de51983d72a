"""What litellm's exceptions mean, without litellm: it tells by names."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from infrastructure.models.provider_errors import error_from


class APIError(Exception):
    def __init__(self, message: str, headers: dict[str, str] | None = None, original: Exception | None = None) -> None:
        super().__init__(message)
        self.litellm_response_headers = headers
        self.original_exception = original


class RateLimitError(APIError): ...


class BadRequestError(APIError): ...


class APIConnectionError(APIError): ...


class InternalServerError(APIError): ...


class MidStreamFallbackError(InternalServerError): ...


@pytest.mark.parametrize(
    ("failure", "begun", "code"),
    [
        pytest.param(RateLimitError("slow"), False, "model_rate_limited", id="a class by its name"),
        pytest.param(MidStreamFallbackError("x", original=RateLimitError("slow")), True, "model_rate_limited", id="what is inside counts"),
        pytest.param(APIConnectionError("gone"), False, "model_unavailable", id="no connection"),
        pytest.param(APIConnectionError("gone"), True, "model_stream_cut", id="a connection that is lost"),
        pytest.param(APIError("?"), False, "model_unavailable", id="an error that says nothing"),
        pytest.param(BadRequestError("maximum context length is 10 tokens"), False, "model_context_length", id="too long, in words"),
        pytest.param(BadRequestError("no such field"), False, "model_bad_request", id="a bad request"),
        pytest.param(KeyError("choices"), False, "model_garbage", id="an answer of another shape"),
    ],
)
def test_a_failure_has_a_code(failure: Exception, begun: bool, code: str) -> None:
    assert error_from(failure, model="a/b", begun=begun).code == code


def unreadable() -> None:
    """Fails as litellm does: the parser's own error is hidden behind another."""
    try:
        json.loads("{")
    except ValueError:
        raise InternalServerError("Expecting property name") from None


def test_an_answer_that_is_no_json_is_garbage_whatever_it_became() -> None:
    with pytest.raises(InternalServerError) as caught:
        unreadable()

    assert error_from(caught.value, model="a/b", begun=False).code == "model_garbage"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7, id="seconds"),
        pytest.param({"Retry-After": "0.5"}, 0.5, id="a part of a second"),
        pytest.param({"retry-after-ms": "250", "retry-after": "1"}, 0.25, id="milliseconds"),
        pytest.param({"retry-after": "soon"}, None, id="nonsense"),
        pytest.param({}, None, id="nothing"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0, id="a date that is past"),
    ],
)
def test_a_refusal_says_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert error_from(RateLimitError("slow", headers), model="a/b", begun=False).retry_after == seconds


def test_a_date_to_come_back_at_becomes_seconds() -> None:
    headers = {"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)}

    wait = error_from(RateLimitError("slow", headers), model="a/b", begun=False).retry_after

    assert wait is not None
    assert 50 < wait <= 60


def test_a_rate_limit_for_lack_of_money_is_not_tried_again() -> None:
    assert not error_from(RateLimitError("You exceeded your current quota"), model="a/b", begun=False).retryable


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param("litellm.RateLimitError: RateLimitError: OpenAIException - slow down", "a/b: slow down", id="wrapping goes"),
        pytest.param("Incorrect API key provided: sk-proj-abcdefghijklmnop.", "a/b: Incorrect API key provided: [key]", id="keys go"),
        pytest.param("", "a/b: APIError", id="silence has a name"),
        pytest.param("x" * 600, f"a/b: {'x' * 500} ...", id="long ones are cut"),
    ],
)
def test_a_message_has_the_providers_words(message: str, shown: str) -> None:
    assert error_from(APIError(message), model="a/b", begun=False).message == shown
