"""An answer that does not fit is shown to the model with what is wrong with it, a few times at most."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import Field

from domain.json import Json, JsonObject
from domain.model import ModelRequest, ModelResponse
from domain.usage import Usage
from infrastructure.nodes.answers import LONGEST_SHOWN, Unfit, answer_of
from infrastructure.nodes.asking_models import ModelCalls
from infrastructure.nodes.config import NodeConfig

LONGEST_TOLD: Final = 20_000
"""Characters of its answer that the model sees again."""
_MEND: Final = "That cannot be used: {why}. Answer once more, with nothing but what was asked for."


class RepairConfig(NodeConfig):
    """`attempts`: so often the model is shown its answer and what is wrong with it; 0: never."""

    attempts: Annotated[int, Field(ge=0, le=5)] = 1


@dataclass(frozen=True, slots=True)
class Read:
    """An answer that fits. `usage`: of all calls. `repairs`: how many there were beside the first."""

    response: ModelResponse
    json: Json
    usage: Usage
    repairs: int = 0


async def repaired(request: ModelRequest, read: Callable[[ModelResponse], Json], attempts: int, asking: ModelCalls) -> Read:
    """`read` gives the JSON of an answer, or raises `Unfit`; that of the last answer is raised."""
    number, used = 0, None
    while True:
        response = await asking(request)
        used = response.usage.beside(used)
        try:
            return Read(response, read(response), used, number)
        except Unfit as unfit:
            if number == attempts or not unfit.may_be_mended:
                raise
            request, number = _again(request, unfit), number + 1


def _again(request: ModelRequest, unfit: Unfit) -> ModelRequest:
    said: JsonObject = {"role": "assistant", "content": answer_of(unfit.response)[:LONGEST_TOLD] or "(nothing)"}
    mend: JsonObject = {"role": "user", "content": _MEND.format(why=unfit.why[:LONGEST_SHOWN])}
    return replace(request, messages=(*request.messages, said, mend), caching=None)
