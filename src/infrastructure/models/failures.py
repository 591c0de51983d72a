"""Errors of models, made the same way by every adapter."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from domain.errors import ModelError
from domain.usage import Usage

RETRYABLE = {
    "model_auth": False,
    "model_rate_limited": True,
    "model_timeout": True,
    "model_bad_request": False,
    "model_context_length": False,
    "model_content_filter": False,
    "model_unavailable": True,
    "model_stream_cut": True,
    "model_garbage": True,
    "model_bad_image": False,
    "model_image_unreachable": True,
    "provider_open": True,
}
"""May the same call succeed later, by code."""

Failed = TypeVar("Failed", bound=BaseException)


def model_error(code: str, message: str, retry_after: float | None = None) -> ModelError:
    return ModelError(message, code, retryable=RETRYABLE[code], retry_after=retry_after)


def no_answer_in(seconds: float) -> ModelError:
    return model_error("model_timeout", f"the model did not finish its answer within {seconds:g} seconds")


def used_by(error: BaseException) -> Usage | None:
    """What `charged` has left on it."""
    usage = getattr(error, "usage", None)
    return usage if isinstance(usage, Usage) else None


def charged(error: Failed, usage: Usage | None) -> Failed:
    """The same error with what the call used before it failed in its `usage`, if it used anything."""
    if usage is not None:
        error.__dict__["usage"] = usage
    return error


@contextmanager
def charging(usage: Usage | None) -> Iterator[None]:
    """Whoever is cancelled in here has used that already: what is done after an answer may wait, and the answer is lost then."""
    try:
        yield
    except asyncio.CancelledError as cancelled:
        charged(cancelled, usage)
        raise
