"""Keys of models that are secrets of the installation, and answers of providers without them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domain.errors import ModelError, SecretRefused, ValidationError
from domain.ids import DEFAULT_TENANT
from domain.model import ModelResponse, OnText, ToolCall
from domain.ports.secrets import Redact, Secrets
from domain.secret import origin_of
from infrastructure.models.failures import model_error
from infrastructure.models.settings import Endpoint
from infrastructure.secrets.redacted import redacted
from infrastructure.secrets.references import names_in, resolved


@dataclass(frozen=True, slots=True)
class Discretion:
    """Models are the installation's: its owner's tenant `default` has the secrets for them. Without `secrets` keys are what is written."""

    secrets: Secrets | None = None
    redact: Redact = str

    def check(self, endpoints: Mapping[str, Endpoint]) -> None:
        """`ValidationError` names the first endpoint whose key is a secret that is not there, or may not go where the endpoint is."""
        for model, endpoint in endpoints.items():
            try:
                for name in names_in(endpoint.api_key or ""):
                    self._known().must_be_for(name, DEFAULT_TENANT, _place(endpoint))
            except (SecretRefused, ValidationError) as error:
                raise ValidationError(f"WEFT_MODEL_ENDPOINTS: the `api_key` of {model}: {error.message}") from error

    async def ready(self, model: str, endpoint: Endpoint) -> Endpoint:
        """With the key itself. `ModelError` when it cannot be had."""
        if self.secrets is None or endpoint.api_key is None:
            return endpoint
        try:
            key = await resolved(endpoint.api_key, self.secrets, DEFAULT_TENANT, _place(endpoint))
        except SecretRefused as error:
            raise model_error("model_auth", f"{model}: {error.message}") from None
        return replace(endpoint, api_key=key)

    def hearing(self, on_text: OnText | None) -> OnText | None:
        """A secret that comes in pieces passes in pieces; the whole answer is looked at once more."""
        return None if on_text is None else lambda text: on_text(self.redact(text))

    def of_answer(self, answer: ModelResponse) -> ModelResponse:
        calls = tuple(self._of_call(call) for call in answer.tool_calls)
        return replace(answer, text=self.redact(answer.text), json=redacted(answer.json, self.redact), tool_calls=calls)

    def of_error(self, error: ModelError) -> ModelError:
        """The same error: it may have been charged for."""
        error.args = (self.redact(error.message),)
        return error

    def _of_call(self, call: ToolCall) -> ToolCall:
        return replace(call, arguments={self.redact(name): redacted(value, self.redact) for name, value in call.arguments.items()})

    def _known(self) -> Secrets:
        if self.secrets is None:
            raise SecretRefused("there are no secrets here")
        return self.secrets


def _place(endpoint: Endpoint) -> str:
    """Where the key goes; "" when that is the provider's own address, which only its library knows."""
    return origin_of(endpoint.api_base or "")
