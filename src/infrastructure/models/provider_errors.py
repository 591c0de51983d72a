"""What a provider's refusal or failure means, told from the exceptions of litellm by their names, so that it need not be imported."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from domain.errors import ModelError
from domain.ports.secrets import Redact
from infrastructure.models.failures import model_error
from infrastructure.models.refusals import OUT_OF_MONEY, TOO_LONG
from infrastructure.models.words import shortened
from infrastructure.retry_after import retry_after, seconds_of

CODES: Mapping[str, str] = {
    "ContextWindowExceededError": "model_context_length",
    "ContentPolicyViolationError": "model_content_filter",
    "AuthenticationError": "model_auth",
    "PermissionDeniedError": "model_auth",
    "PaymentRequiredError": "model_auth",
    "RateLimitError": "model_rate_limited",
    "APITimeoutError": "model_timeout",
    "APIResponseValidationError": "model_garbage",
    "BadRequestError": "model_bad_request",
    "NotFoundError": "model_bad_request",
    "UnprocessableEntityError": "model_bad_request",
    "APIConnectionError": "model_unavailable",
    "InternalServerError": "model_unavailable",
    "APIStatusError": "model_unavailable",
    "APIError": "model_unavailable",
}
"""By the name of an exception's class or the nearest of its ancestors. Anything else is an answer that could not be read."""

_WRAPPING = re.compile(r"^(?:.*?\w+Exception - |(?:litellm\.)?\w+(?:Error|Timeout): )+", re.DOTALL)


def error_from(failure: BaseException, *, model: str, begun: bool, redact: Redact = str) -> ModelError:
    """`begun`: a part of the answer had come. The provider's words stay, its keys and litellm's wrapping do not."""
    said = getattr(failure, "original_exception", None) or failure
    code = _code(said)
    if begun and code == "model_unavailable":
        code = "model_stream_cut"
    error = model_error(code, f"{model}: {_words(said, redact)}", _retry_after(said))
    if code == "model_rate_limited" and OUT_OF_MONEY.search(str(said)):
        error.retryable = False
    return error


def _code(failure: BaseException) -> str:
    if any(isinstance(cause, json.JSONDecodeError) for cause in _chain(failure)):
        return "model_garbage"
    code = next((CODES[ancestor.__name__] for ancestor in type(failure).__mro__ if ancestor.__name__ in CODES), "model_garbage")
    return "model_context_length" if code == "model_bad_request" and TOO_LONG.search(str(failure)) else code


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__ or failure.__context__


def _words(failure: BaseException, redact: Redact) -> str:
    return shortened(_WRAPPING.sub("", redact(str(failure))), redact) or type(failure).__name__


def _retry_after(failure: BaseException) -> float | None:
    """Seconds from now, from the headers of a refusal; None when they do not say."""
    headers = _headers(failure)
    if milliseconds := seconds_of(str(headers.get("retry-after-ms", ""))):
        return milliseconds / 1000
    return retry_after(str(headers.get("retry-after", "")), datetime.now(UTC))


def _headers(failure: BaseException) -> Mapping[str, object]:
    """By name in lower case. litellm keeps the real ones beside a response that it made up itself."""
    found = getattr(failure, "litellm_response_headers", None) or getattr(getattr(failure, "response", None), "headers", None) or {}
    return {str(name).lower(): value for name, value in found.items()}
