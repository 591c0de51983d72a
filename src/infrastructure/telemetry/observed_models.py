"""Measures each call to a model, and makes it a span. What is said and answered is looked at by nobody here."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.errors import ModelNotFound, WeftError
from domain.model import ModelRequest, ModelResponse, OnText
from domain.ports.clock import Clock
from domain.ports.meter import ModelCall, ModelMeter
from domain.ports.traces import HERE, Attribute, Span, SpanKind, Traces
from domain.tracing import TraceContext
from infrastructure.models.adapter import ModelAdapter
from infrastructure.telemetry import conventions as names

CONVENTIONAL: Final[Mapping[str, str]] = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""Providers that OpenTelemetry calls otherwise than the list of models does."""


@dataclass(slots=True)
class _Listening:
    """Notes when the first piece of text came."""

    clock: Clock
    began: float
    on_text: OnText
    first_seconds: float | None = None

    def __call__(self, text: str) -> None:
        if self.first_seconds is None:
            self.first_seconds = self.clock.monotonic() - self.began
        self.on_text(text)


@dataclass(frozen=True, slots=True)
class Observer:
    """What a meter and traces are told of calls. `infrastructure.models.adapter.Observe`."""

    meter: ModelMeter
    traces: Traces
    clock: Clock

    def __call__(self, adapter: ModelAdapter, provider: str) -> ModelAdapter:
        return ObservedAdapter(adapter, CONVENTIONAL.get(provider, provider), self)

    def note(self, call: ModelCall, came: ModelResponse | BaseException) -> None:
        self.meter.model_called(call)
        here = HERE.get()
        if self.traces.is_on and here is not None:
            self.traces.add(self._span(call, here, came))

    def _span(self, call: ModelCall, here: TraceContext, came: ModelResponse | BaseException) -> Span:
        ended = self.clock.now().timestamp()
        at = TraceContext(here.trace, secrets.token_hex(8), here.sampled)
        about = {**_told(call), **_answered(came)}
        return Span(f"{names.CHAT} {call.model}", at, here.span, ended - call.seconds, ended, SpanKind.CLIENT, about, call.error)


@dataclass(frozen=True, slots=True)
class ObservedAdapter:
    """One model of one provider: of a chain each that was asked, without the time that it waited for its turn."""

    adapter: ModelAdapter
    provider: str
    observer: Observer

    @property
    def prefix(self) -> str:
        return self.adapter.prefix

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        clock = self.observer.clock
        began = clock.monotonic()
        hearing = None if on_text is None else _Listening(clock, began, on_text)
        try:
            answer = await self.adapter.complete(request, hearing)
        except ModelNotFound:
            raise  # nobody was called
        except BaseException as error:
            self._note(request, clock.monotonic() - began, hearing, error)
            raise
        self._note(request, clock.monotonic() - began, hearing, answer)
        return answer

    def _note(self, request: ModelRequest, seconds: float, hearing: _Listening | None, came: ModelResponse | BaseException) -> None:
        model = request.model.partition("/")[2] or request.model
        error = "" if isinstance(came, ModelResponse) else code_of(came)
        first, usage = None if hearing is None else hearing.first_seconds, getattr(came, "usage", None)
        self.observer.note(ModelCall(self.provider, model, seconds, first, usage, error), came)


def code_of(error: BaseException) -> str:
    """Of the few that there are."""
    if isinstance(error, WeftError):
        return error.code
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "unexpected"


def _told(call: ModelCall) -> dict[str, Attribute]:
    told: dict[str, Attribute] = {names.OPERATION: names.CHAT, names.PROVIDER: call.provider, names.REQUEST_MODEL: call.model}
    if call.usage is not None:
        told |= {names.INPUT_TOKENS: call.usage.prompt_tokens, names.OUTPUT_TOKENS: call.usage.completion_tokens}
        told |= {names.CACHED_TOKENS: call.usage.cached_tokens, names.REASONING_TOKENS: call.usage.reasoning_tokens}
    if call.first_seconds is not None:
        told[names.FIRST_CHUNK] = call.first_seconds
    return told


def _answered(came: ModelResponse | BaseException) -> dict[str, Attribute]:
    if not isinstance(came, ModelResponse):
        return {}
    return {names.RESPONSE_MODEL: came.model, names.FINISH_REASONS: [came.finish_reason.value]}
