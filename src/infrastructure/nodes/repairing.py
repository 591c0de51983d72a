"""An answer that does not fit is shown to the model with what is wrong with it, a few times at most."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import Field

from domain.json import Json, JsonObject
from domain.model import ModelRequest, ModelResponse
from domain.ports.models import Models
from domain.ports.nodes import Effect, NodeContext, Performed
from domain.usage import Usage
from infrastructure.models.documents import digest_of, request_as_json, response_as_json, response_from_json
from infrastructure.models.failures import charged
from infrastructure.nodes.answers import LONGEST_SHOWN, Unfit, answer_of
from infrastructure.nodes.config import NodeConfig

LONGEST_TOLD: Final = 20_000
"""Characters of its answer that the model sees again."""
_MEND: Final = "That cannot be used: {why}. Answer once more, with nothing but what was asked for."


class RepairConfig(NodeConfig):
    """`attempts`: so often the model is shown its answer and what is wrong with it; 0: never."""

    attempts: Annotated[int, Field(ge=0, le=5)] = 1


@dataclass(frozen=True, slots=True)
class Read:
    """An answer that fits. `usage`: of all calls; `own`: of the first, which the node itself is charged for. `repairs`: how many more there
    were."""

    response: ModelResponse
    json: Json
    usage: Usage
    own: Usage
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class Repairs:
    """`read` gives the JSON of an answer, or raises `Unfit`."""

    attempts: int
    models: Models
    read: Callable[[ModelResponse], Json]

    async def __call__(self, question: ModelRequest, asked: ModelRequest, first: ModelResponse, context: NodeContext) -> Read:
        """`question`: as the node asks it; `asked`: as it was sent. Raises the last answer's `Unfit`, or what a call raises; its `usage` is
        that of the node's own call: the others have lines of their own."""
        response, used = first, first.usage
        for number in range(self.attempts + 1):
            try:
                return Read(response, self.read(response), used, first.usage, number)
            except Unfit as unfit:
                if number == self.attempts or not unfit.may_be_mended:
                    raise charged(unfit, first.usage) from None
                asked = _again(asked, unfit)
            try:
                response = await self._performed(question, asked, number + 1, context)
            except BaseException as error:
                charged(error, first.usage)
                raise
            used = response.usage.beside(used)
        raise AssertionError("the last answer is read or raised")

    async def _performed(self, question: ModelRequest, asked: ModelRequest, number: int, context: NodeContext) -> ModelResponse:
        """The effect is named by the node's question, not by the answer it repairs: after a crash the first call is made again, and may
        come out otherwise."""
        digest = digest_of({"of": request_as_json(question), "repair": number})
        effect = Effect("model", question.model, digest, reserve=self.models.at_most(asked))

        async def make(effect_number: int) -> Performed:
            response = await self.models.complete(replace(asked, caller=context.caller(effect_number)), context.say)
            if number == self.attempts:
                self.read(response)  # what does not fit is not kept: another attempt of the node asks again
            return Performed(response_as_json(response), response.usage)

        return response_from_json(await context.perform(effect, make))  # type: ignore[arg-type]


def _again(asked: ModelRequest, unfit: Unfit) -> ModelRequest:
    said: JsonObject = {"role": "assistant", "content": answer_of(unfit.response)[:LONGEST_TOLD] or "(nothing)"}
    mend: JsonObject = {"role": "user", "content": _MEND.format(why=unfit.why[:LONGEST_SHOWN])}
    return replace(asked, messages=(*asked.messages, said, mend), caching=None)
