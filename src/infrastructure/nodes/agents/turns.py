"""What a model answered in one turn, as the journal keeps it: with what is to become of each call, decided once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

from domain.json import Json, JsonObject
from domain.tool import Effects
from domain.usage import Usage
from infrastructure.models.documents import digest_of, usage_as_json, usage_from_json

MOST_CALLS: Final = 64
"""Of one turn; a model may ask for thousands."""


class Verdict(StrEnum):
    """`TOLD`: the call is not made, and the model is told why."""

    CALL = "call"
    ASK = "ask"
    TOLD = "told"
    PLAN = "plan"
    HANDOFF = "handoff"


@dataclass(frozen=True, slots=True)
class Call:
    """`id`: ours, unique in the conversation. `name`: as the model said it. `told`: why it is not made."""

    id: str
    name: str
    arguments: JsonObject
    verdict: Verdict
    told: str = ""
    effects: Effects = Effects.NONE

    @property
    def asked(self) -> str:
        """The same for calls that ask the same."""
        return digest_of([self.name, self.arguments])

    def as_json(self) -> dict[str, Json]:
        known = (self.id, self.name, self.arguments, self.verdict.value, self.told, self.effects.value)
        return dict(zip(("id", "name", "arguments", "verdict", "told", "effects"), known, strict=True))

    @classmethod
    def of(cls, kept: JsonObject) -> "Call":
        arguments = cast(JsonObject, kept["arguments"])
        verdict, effects = Verdict(str(kept["verdict"])), Effects(str(kept["effects"]))
        return cls(str(kept["id"]), str(kept["name"]), arguments, verdict, str(kept["told"]), effects)


@dataclass(frozen=True, slots=True)
class Turn:
    """`left_out`: calls beyond those that are looked at. `unreadable`: why nobody can tell what was said. `stopped`: why the model was not
    asked at all."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    left_out: int = 0
    usage: Usage | None = None
    unreadable: str = ""
    stopped: str = ""

    def as_json(self) -> dict[str, Json]:
        return {
            "text": self.text,
            "calls": [call.as_json() for call in self.calls],
            "left_out": self.left_out,
            "usage": None if self.usage is None else usage_as_json(self.usage),
            "unreadable": self.unreadable,
            "stopped": self.stopped,
        }

    @classmethod
    def of(cls, kept: Json) -> "Turn":
        found = cast(Mapping[str, Json], kept)
        calls = tuple(Call.of(call) for call in cast(Sequence[JsonObject], found["calls"]))
        left_out, usage = cast(int, found["left_out"]), _usage_of(found["usage"])
        return cls(str(found["text"]), calls, left_out, usage, str(found["unreadable"]), str(found["stopped"]))


@dataclass(frozen=True, slots=True)
class Result:
    """What the model is told of a call."""

    content: str
    usage: Usage | None = None

    def as_json(self) -> dict[str, Json]:
        return {"content": self.content, "usage": None if self.usage is None else usage_as_json(self.usage)}

    @classmethod
    def of(cls, kept: Json) -> "Result":
        found = cast(Mapping[str, Json], kept)
        return cls(str(found["content"]), _usage_of(found["usage"]))


def _usage_of(kept: Json) -> Usage | None:
    return usage_from_json(kept) if isinstance(kept, Mapping) else None
