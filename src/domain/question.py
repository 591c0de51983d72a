"""What a person is asked before a run goes on, and what was said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

from domain.access import Principal, Role
from domain.errors import Forbidden
from domain.json import Json, JsonObject

HUMAN: Final = "human"
"""What an activation is parked for that waits for a person."""
BUDGET: Final = "budget"
"""What an activation is parked for whose call does not fit into a budget: it goes on when there is room, or a person says so."""
ASKING: Final = frozenset({HUMAN, BUDGET})
NOBODY: Final = "nobody: the deadline passed"
"""Who gave an answer that was not given in time, and is the node's default."""
LATE: Final = "deadline"
"""The code of a failure: nobody answered in time."""
_ROLES: Final = frozenset(role.value for role in Role)


class OnDeadline(StrEnum):
    """What comes when nobody answered in time. `edge` is `fail` with an error edge that catches it, which validation asks for."""

    FAIL = "fail"
    DEFAULT = "default"
    EDGE = "edge"


@dataclass(frozen=True, slots=True)
class Escalation:
    """From `at` on (seconds since the epoch) these may answer too."""

    who: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Question:
    """`schema`: JSON Schema of the answer. `who`: names of keys, or roles; nobody named: whoever is an operator."""

    show: Json
    schema: JsonObject
    who: tuple[str, ...] = ()
    on_deadline: OnDeadline = OnDeadline.FAIL
    escalation: Escalation | None = None

    def as_json(self) -> JsonObject:
        """As a journal keeps it, and as `waiting_for` shows it."""
        escalation = None if self.escalation is None else {"who": list(self.escalation.who), "at": self.escalation.at}
        return {
            "show": self.show,
            "schema": self.schema,
            "who": list(self.who),
            "on_deadline": self.on_deadline.value,
            "escalate": cast(Json, escalation),
        }

    @classmethod
    def of(cls, about: JsonObject) -> "Question":
        later = about.get("escalate")
        escalation = Escalation(_names(later["who"]), cast(float, later["at"])) if isinstance(later, Mapping) else None
        schema = cast(JsonObject, about["schema"])
        return cls(about["show"], schema, _names(about["who"]), OnDeadline(str(about["on_deadline"])), escalation)

    def must_let(self, who: Principal, now: float) -> None:
        """`Forbidden` when it is not theirs to answer. `now` in seconds since the epoch. Admins may, who could make any key."""
        if who.role is not Role.ADMIN and not any(_means(one, who) for one in self._asked(now)):
            raise Forbidden(f"this is for {', '.join(self._asked(now))} to answer; the key is {who.name or 'nameless'}, {who.role.value}")

    def _asked(self, now: float) -> Iterator[str]:
        yield from self.who or (Role.OPERATOR.value,)
        if self.escalation is not None and self.escalation.at <= now:
            yield from self.escalation.who


@dataclass(frozen=True, slots=True)
class Answer:
    """`about`: the question, as it was journaled."""

    value: Json
    by: str
    about: JsonObject


def _means(one: str, who: Principal) -> bool:
    """A role means everybody who may do as much; anything else is the name of a key."""
    return who.role.includes(Role(one)) if one in _ROLES else one == who.name


def _names(given: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in cast(Sequence[Json], given))
