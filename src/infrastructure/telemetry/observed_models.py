"""Measures each call to a model, and makes it a span. What is said and answered is looked at by nobody here."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.errors import ModelNotFound, WeftError
from domain.model import ModelCard, ModelRequest, ModelResponse, OnText
from domain.ports.clock import Clock
from domain.ports.meter import ModelCall, ModelMeter
from domain.ports.models import Models
from domain.ports.traces import HERE, Attribute, Span, SpanKind, Traces
from domain.tracing import TraceContext
from domain.usage import Usage
from infrastructure.telemetry import conventions as names

UNKNOWN: Final = "unknown"
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
class ObservedModels:
    """`domain.ports.models.Models` that tells a meter and traces of `complete`."""

    models: Models
    meter: ModelMeter
    traces: Traces
    clock: Clock
    _targets: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        began = self.clock.monotonic()
        hearing = None if on_text is None else _Listening(self.clock, began, on_text)
        try:
            answer = await self.models.complete(request, hearing)
        except ModelNotFound:
            raise  # nobody was called
        except BaseException as error:
            self._note(request, began, hearing, error)
            raise
        self._note(request, began, hearing, answer)
        return answer

    def at_most(self, request: ModelRequest) -> Usage:
        return self.models.at_most(request)

    def known(self, name: str) -> bool:
        return self.models.known(name)

    def cards(self) -> Sequence[ModelCard]:
        return self.models.cards()

    async def survey(self) -> Sequence[ModelCard]:
        return await self.models.survey()

    def _note(self, request: ModelRequest, began: float, hearing: _Listening | None, came: ModelResponse | BaseException) -> None:
        usage = getattr(came, "usage", None)
        provider, model = self._target(came.model if isinstance(came, ModelResponse) else request.model)
        error = "" if isinstance(came, ModelResponse) else code_of(came)
        first = None if hearing is None else hearing.first_seconds
        call = ModelCall(provider, model, self.clock.monotonic() - began, first, usage, error)
        self.meter.model_called(call)
        here = HERE.get()
        if self.traces.is_on and here is not None:
            self.traces.add(self._span(call, here, came))

    def _span(self, call: ModelCall, here: TraceContext, came: ModelResponse | BaseException) -> Span:
        ended = self.clock.now().timestamp()
        at = TraceContext(here.trace, secrets.token_hex(8), here.sampled)
        about = {**_told(call), **_answered(came)}
        return Span(f"{names.CHAT} {call.model}", at, here.span, ended - call.seconds, ended, SpanKind.CLIENT, about, call.error)

    def _target(self, model: str) -> tuple[str, str]:
        """Provider and model, as the conventions call them. Aliases are looked up once."""
        found = self._targets.get(model)
        if found is None:
            found = self._looked_up(model)
            if len(self._targets) < 1_000:
                self._targets[model] = found
        return found

    def _looked_up(self, model: str) -> tuple[str, str]:
        card = next((card for card in self.models.cards() if card.name == model), None)
        provider, slash, name = (model if card is None else card.resolves_to).partition("/")
        if not slash:
            provider, name = (UNKNOWN if card is None else card.provider), provider
        return CONVENTIONAL.get(provider, provider), name


def code_of(error: BaseException) -> str:
    """Of the few that there are."""
    if isinstance(error, WeftError):
        return error.code
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "unexpected"


def _told(call: ModelCall) -> dict[str, Attribute]:
    told: dict[str, Attribute] = {names.OPERATION: names.CHAT, names.PROVIDER: call.provider, names.REQUEST_MODEL: call.model}
    if call.usage is not None:
        told |= {names.INPUT_TOKENS: call.usage.prompt_tokens, names.OUTPUT_TOKENS: call.usage.completion_tokens}
    if call.first_seconds is not None:
        told[names.FIRST_CHUNK] = call.first_seconds
    return told


def _answered(came: ModelResponse | BaseException) -> dict[str, Attribute]:
    if not isinstance(came, ModelResponse):
        return {}
    return {names.RESPONSE_MODEL: came.model, names.FINISH_REASONS: [came.finish_reason.value]}
