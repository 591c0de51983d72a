"""What the status and the words of an OpenAI-compatible server's refusal mean."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from domain.errors import ModelError
from infrastructure.models.failures import model_error
from infrastructure.retry_after import retry_after, seconds_of

TOO_LONG: Final = re.compile(r"context[ _](?:length|window)|prompt is too long", re.IGNORECASE)
FILTERED: Final = re.compile(r"content[ _](?:filter|policy)|content_policy_violation|responsible ?ai", re.IGNORECASE)
OUT_OF_MONEY: Final = re.compile(r"insufficient_quota|exceeded your current quota|billing_hard_limit", re.IGNORECASE)
_BY_STATUS: Final[Mapping[int, str]] = {
    401: "model_auth",
    402: "model_auth",
    403: "model_auth",
    408: "model_timeout",
    429: "model_rate_limited",
    504: "model_timeout",
}


def refused(status: int, words: str, codes: str, headers: Mapping[str, str], model: str, now: datetime) -> ModelError:
    """`words` are shown, `codes` only looked at."""
    code = code_of(status, f"{words} {codes}")
    error = model_error(code, f"{model}: {words or f'the server answered {status}'}", _wait(headers, now))
    if code == "model_rate_limited" and OUT_OF_MONEY.search(f"{words} {codes}"):
        error.retryable = False
    return error


def code_of(status: int, said: str) -> str:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return "model_unavailable"
    if TOO_LONG.search(said) or status == 413:
        return "model_context_length"
    return "model_content_filter" if FILTERED.search(said) else "model_bad_request"


def _wait(headers: Mapping[str, str], now: datetime) -> float | None:
    if milliseconds := seconds_of(headers.get("retry-after-ms", "")):
        return milliseconds / 1000
    return retry_after(headers.get("retry-after", ""), now)
