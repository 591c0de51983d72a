"""The calls of models that a node makes: one that it is charged for itself, or several, each kept in the journal by itself."""

from dataclasses import dataclass, replace

from domain.caller import Caller
from domain.model import ModelRequest, ModelResponse
from domain.ports.effects import Cheaper, Effect, Performed
from domain.ports.models import Models
from domain.ports.nodes import NodeContext
from domain.usage import Usage
from infrastructure.models.documents import digest_of, request_as_json, response_as_json, response_from_json


@dataclass(slots=True)
class ModelCalls:
    """Of one attempt. `performs`: each call is kept by itself, and charged for beside the node. Without that `own` is what the node is
    charged for: all calls so far."""

    models: Models
    context: NodeContext
    performs: bool
    own: Usage | None = None

    async def __call__(self, request: ModelRequest) -> ModelResponse:
        if self.performs:
            return await self._performed(request)
        response = await self.models.complete(replace(request, caller=self._caller(request)), self.context.say)
        self.own = response.usage.beside(self.own)
        return response

    def charge(self, error: BaseException) -> None:
        """What was used before it is on the error, with what its own call used."""
        if self.own is not None:
            used = getattr(error, "usage", None)
            error.__dict__["usage"] = used.beside(self.own) if isinstance(used, Usage) else self.own

    async def _performed(self, request: ModelRequest) -> ModelResponse:
        own, digest = self._call(request), digest_of(request_as_json(request))
        effect = Effect("model", request.model, digest, own.reserve, instead=lambda model: self._call(replace(request, model=model)))
        return response_from_json(await self.context.perform(effect, own.make))  # type: ignore[arg-type]

    def _call(self, request: ModelRequest) -> Cheaper:
        async def make(number: int) -> Performed:
            response = await self.models.complete(replace(request, caller=self._caller(request, number)), self.context.say)
            return Performed(response_as_json(response), response.usage)

        return Cheaper(self.models.at_most(request), make)

    def _caller(self, request: ModelRequest, number: int = 0) -> Caller:
        return self.context.caller(number, "" if request.caller is None else request.caller.prompt)
