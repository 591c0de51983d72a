"""Models whose calls are put on a tape, and models that answer from one."""

from dataclasses import dataclass, replace
from decimal import Decimal

from domain.cassette import MODEL, Playback, RecordedCall, Recording
from domain.errors import ModelError
from domain.ids import ActivationPath
from domain.model import ModelRequest, ModelResponse, OnText
from domain.usage import Money, Usage
from infrastructure.cassettes.documents import cleaned, model_error_as_json, model_error_from_json, question
from infrastructure.models.around import Around
from infrastructure.models.documents import request_as_json, response_as_json, response_from_json

_MILLION = 1_000_000


def asked_of_model(request: ModelRequest, tape: Recording | Playback) -> RecordedCall:
    """The call, without its answer. What is secret is not even in the digest: it will not be there when the tape is played."""
    asked = cleaned(request_as_json(request), tape)
    at, effect = (ActivationPath(""), 0) if request.caller is None else (request.caller.activation, request.caller.effect)
    return question(MODEL, request.model, at, effect, asked)


@dataclass
class TapedModels(Around):
    tape: Recording

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        asked = asked_of_model(request, self.tape)
        try:
            response = await self.inner.complete(request, on_text)
        except ModelError as error:
            self.tape.note(replace(asked, error=cleaned(model_error_as_json(error), self.tape)))
            raise
        self.tape.note(replace(asked, answer=cleaned(response_as_json(response), self.tape)))
        return response


@dataclass
class PlayedModels(Around):
    """Asks nobody. The inner ones only tell what models there are, and what another one than was recorded would have cost."""

    tape: Playback

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        found = self.tape.draw(asked_of_model(request, self.tape))
        if found is None:
            raise ModelError(f"the cassette has no answer of {request.model} for this node", "not_recorded")
        if found.answer is None:
            raise model_error_from_json(found.error or {})
        response = response_from_json(found.answer)
        if on_text is not None and response.text:
            on_text(response.text)
        return self._priced(response, request.model) if self._is_another(found.name, request.model) else response

    def at_most(self, request: ModelRequest) -> Usage:
        """Nothing is spent here, so nothing need be reserved where nobody knows the model."""
        return self.inner.at_most(request) if self.inner.known(request.model) else Usage(request.model, 0, 0, Money(Decimal(0)))

    def known(self, name: str) -> bool:
        return self.inner.known(name) or any(call.kind == MODEL and call.name == name for call in self.tape.calls)

    def _is_another(self, recorded: str, asked: str) -> bool:
        return recorded != asked or asked in self.tape.models

    def _priced(self, response: ModelResponse, name: str) -> ModelResponse:
        """Its tokens as recorded, at the price of the model that is asked now; None where nobody knows that."""
        card = next((card for card in self.inner.cards() if card.name == name), None)
        model = name if card is None else card.resolves_to
        cost = None
        if card is not None and card.prompt_price is not None and card.completion_price is not None:
            usage, asked, answered = response.usage, card.prompt_price, card.completion_price
            amount = (usage.prompt_tokens * asked.amount + usage.completion_tokens * answered.amount) / _MILLION
            cost = Money(amount, asked.currency)
        return replace(response, model=model, usage=replace(response.usage, model=model, cost=cost))
