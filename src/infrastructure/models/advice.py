"""What to do about a model's error: the end of its sentence, whichever adapter says it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.errors import ModelError
from domain.model import ModelRequest
from infrastructure.models.listing import Listing
from infrastructure.models.providers import KEY_VARIABLES
from infrastructure.models.tokens import tokens_asked

ADVICE: Final[Mapping[str, str]] = {
    "model_timeout": "raise `timeout_seconds`, or ask for less with `max_tokens`",
    "model_bad_image": "give a PNG, JPEG, GIF or WebP that fits, from a place Weft may go to",
    "model_image_unreachable": "look whether the picture's server answers; another try may",
    "model_bad_request": "mend the node: another try is told the same",
    "model_content_filter": "change what is asked, or route it with `on_error`",
    "model_unavailable": "nothing to mend here: `retry`, or give the alias another model to go on to",
    "model_stream_cut": "nothing to mend here: `retry`; what came so far is counted",
    "model_garbage": "`retry`, or use another model",
}
_NUMBER: Final = r"(\d[\d,]{0,14})"
_SAID: Final = (
    re.compile(rf"maximum context length is {_NUMBER} tokens.{{0,80}}?(?:resulted in|requested) {_NUMBER} tokens", re.DOTALL),
    re.compile(r"(?P<asked>\d[\d,]{0,14}) tokens > (?P<window>\d[\d,]{0,14}) maximum"),
    re.compile(r"token count \((?P<asked>\d[\d,]{0,14})\) exceeds.{0,80}?\((?P<window>\d[\d,]{0,14})\)", re.DOTALL),
)
"""How providers say it: OpenAI and those like it (the window first), Anthropic, Gemini."""


@dataclass(frozen=True, slots=True)
class Overflow:
    """Tokens that were asked, and those that fit; `by_us`: as we count them. None: nobody says."""

    asked: int
    window: int | None
    by_us: bool

    def __str__(self) -> str:
        about = "about " if self.by_us else ""
        if self.window is None:
            return f"{about}{self.asked:,} tokens were asked: send less, or use a model with a longer context"
        over = self.asked - self.window
        shorten = f"shorten by {about}{over:,} tokens" if over > 0 else "shorten it"
        return f"{about}{self.asked:,} tokens were asked, and {self.window:,} fit: {shorten}, or use a model with a longer context"


def advised(error: ModelError, request: ModelRequest, listing: Listing) -> ModelError:
    """The same error, whose sentence says what to do."""
    advice = _advice(error, request, listing)
    if advice:
        said = error.message if error.message.endswith("...") else error.message.rstrip(". ")
        error.args = (f"{said} - {advice}",)
    return error


def _advice(error: ModelError, request: ModelRequest, listing: Listing) -> str:
    match error.code:
        case "model_context_length":
            return str(overflow(error.message, request, listing.window(request.model)))
        case "model_auth":
            return "" if "set " in error.message else f"check the key: {_where(request.model, listing)}"
        case "model_rate_limited" if not error.retryable:
            return "the account has nothing left: pay for more, or use another key"
        case "model_rate_limited":
            wait = "wait" if error.retry_after is None else f"wait for {error.retry_after:g} s"
            return f"{wait}, set `requests_per_minute` for its key, or give the alias another model to go on to"
        case code:
            return ADVICE.get(code, "")


def overflow(said: str, request: ModelRequest, window: int | None) -> Overflow:
    """From the provider's words where they have numbers, else by our own count and the list of models."""
    for pattern in _SAID:
        if found := pattern.search(said):
            named = found.groupdict()
            asked, fits = (named["asked"], named["window"]) if named else (found[2], found[1])
            return Overflow(int(asked.replace(",", "")), int(fits.replace(",", "")), by_us=False)
    return Overflow(tokens_asked(request), window, by_us=True)


def _where(model: str, listing: Listing) -> str:
    if listing.endpoint(model).api_key:
        return f"`api_key` of {model} in WEFT_MODEL_ENDPOINTS"
    return " or ".join(KEY_VARIABLES.get(listing.provider(model), ())) or f"the one of {listing.provider(model)}"
