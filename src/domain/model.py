"""What is said to a language model and what it says back, whoever provides it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from domain.caller import Caller
from domain.json import Json, JsonObject
from domain.usage import Money, Usage


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: JsonObject


class Shared(StrEnum):
    """Among whose calls an answer is shared: those of one run, of one thread, of all versions of a workflow, of a tenant."""

    RUN = "run"
    THREAD = "thread"
    WORKFLOW = "workflow"
    TENANT = "tenant"


def _any_answer(response: "ModelResponse") -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Caching:
    """An answer may come from an identical call of the last `seconds`. `keeps`: which answers are worth it."""

    seconds: float
    shared: Shared = Shared.WORKFLOW
    keeps: "Callable[[ModelResponse], bool]" = field(default=_any_answer, compare=False)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """`messages` in the OpenAI shape: `{role, content, ...}`. `model` is an alias or `provider/model`. `timeout_seconds` is for the
    whole call."""

    model: str
    messages: tuple[JsonObject, ...]
    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    response_schema: JsonObject | None = None
    tools: tuple[JsonObject, ...] = ()
    timeout_seconds: float = 120.0
    options: JsonObject = field(default_factory=dict)
    """What only one provider understands; the scripted model takes its rules here."""
    caller: Caller | None = None
    """Who asks; None where no run does."""
    caching: Caching | None = None
    """None: it is asked in any case."""


@dataclass(frozen=True, slots=True)
class ModelResponse:
    text: str
    model: str
    finish_reason: FinishReason
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    json: Json = None
    cached: bool = False
    """It was given before, to an identical call, and cost nothing now."""


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How a provider is, as those who call it see it: is its breaker `closed`, `open` or `half_open`, the code of the last error and when
    it was, what was asked in the last minute, and until when nobody calls because it said so."""

    breaker: str = "closed"
    last_error: str = ""
    last_error_at: datetime | None = None
    requests_in_minute: int = 0
    tokens_in_minute: int = 0
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One line of `/v1/models`: an alias or a model, what it stands for, prices per million tokens (None: unknown) and since when they
    hold where the owner has said so, and why it is not usable if it is not. `chain`: the models that an alias asks one after the other;
    prices and provider are those of the first. `lane`: who is called, and by what key."""

    name: str
    resolves_to: str
    provider: str
    prompt_price: Money | None = None
    completion_price: Money | None = None
    usable: bool = True
    reason: str = ""
    scripted: bool = False
    chain: tuple[str, ...] = ()
    price_since: date | None = None
    price_reason: str = ""
    lane: str = ""
    health: ProviderHealth | None = None


OnText = Callable[[str], None]
"""Takes each piece of text as it comes. Never blocks."""
