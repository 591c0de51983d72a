"""A cassette as it is written: versioned, in a fixed order, for people to read and for machines to check."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic import ValidationError as Misfit

from domain.cassette import RecordedCall
from domain.errors import Problem, ValidationError
from domain.ids import ActivationPath
from domain.replay import Came

VERSION = 1
_MOST_PROBLEMS = 10


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class CallPart(Part):
    """`at`: the visit; `effect`: which of its calls."""

    kind: Literal["model", "tool"]
    name: str
    at: str
    effect: int = 0
    digest: str
    asked: dict[str, JsonValue]
    answer: dict[str, JsonValue] | None = None
    error: dict[str, JsonValue] | None = None

    @classmethod
    def of(cls, call: RecordedCall) -> "CallPart":
        about: dict[str, object] = {"kind": call.kind, "name": call.name, "at": call.at, "effect": call.effect, "digest": call.digest}
        return cls.model_validate({**about, "asked": call.asked, "answer": call.answer, "error": call.error})

    def call(self) -> RecordedCall:
        at = ActivationPath(self.at)
        return RecordedCall(self.kind, self.name, at, self.effect, self.digest, self.asked, self.answer, self.error)


class AnswerPart(Part):
    """What a person said to the question of a visit."""

    at: str
    answer: JsonValue = None


class SignalPart(Part):
    name: str
    payload: JsonValue = None


class CostPart(Part):
    """`amount`: a decimal number in a string, of the calls whose price is known."""

    amount: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")]
    currency: str = "USD"
    unpriced_calls: int = 0


class CamePart(Part):
    status: str
    error: str = ""
    path: tuple[str, ...]
    output: JsonValue = None
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: CostPart

    @classmethod
    def of(cls, came: Came) -> "CamePart":
        cost = CostPart(amount=format(came.cost, "f"), currency=came.currency, unpriced_calls=came.unpriced)
        about: dict[str, Any] = {"status": came.status, "error": came.error, "path": came.path, "output": came.output, "calls": came.calls}
        return cls.model_validate({**about, "prompt_tokens": came.prompt_tokens, "completion_tokens": came.completion_tokens, "cost": cost})

    def came(self) -> Came:
        return Came(
            status=self.status,
            path=self.path,
            output=self.output,
            error=self.error,
            calls=self.calls,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cost=Decimal(self.cost.amount),
            currency=self.cost.currency,
            unpriced=self.cost.unpriced_calls,
        )


class Cassette(Part):
    """`workflows`: those that `workflow` names, through all levels. `tools`: as they were. `prompts`: every version up to those that were
    used, by number; `pins`: what a rollout chose."""

    weft_cassette: Literal[1] = 1
    recorded_at: datetime
    came: CamePart
    input: dict[str, JsonValue] = {}
    answers: tuple[AnswerPart, ...] = ()
    signals: tuple[SignalPart, ...] = ()
    calls: tuple[CallPart, ...] = ()
    tools: tuple[dict[str, JsonValue], ...] = ()
    workflow: dict[str, JsonValue]
    workflows: tuple[dict[str, JsonValue], ...] = ()
    prompts: tuple[dict[str, JsonValue], ...] = ()
    pins: dict[str, int] = {}

    def document(self) -> dict[str, JsonValue]:
        """Without what says nothing."""
        found: dict[str, Any] = self.model_dump(mode="json")
        found["calls"] = [{name: value for name, value in call.items() if value is not None} for call in found["calls"]]
        return {name: value for name, value in found.items() if value not in ([], {}) or name == "input"}


def cassette_from(document: object) -> Cassette:
    """`ValidationError` says where it is none, or that another version of Weft wrote it."""
    version = document.get("weft_cassette") if isinstance(document, dict) else None
    if version != VERSION:
        message = (
            f"this is no cassette: it says `weft_cassette: {version}`, and this Weft reads {VERSION}" if version else "this is no cassette"
        )
        raise ValidationError(message, [Problem("/weft_cassette", "no_cassette", message)])
    try:
        return Cassette.model_validate(document)
    except Misfit as misfit:
        problems = [
            Problem("".join(f"/{step}" for step in found["loc"]), "no_cassette", found["msg"]) for found in misfit.errors()[:_MOST_PROBLEMS]
        ]
        raise ValidationError("this cassette cannot be read: see `problems`", problems) from misfit
