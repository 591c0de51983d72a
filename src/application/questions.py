"""Questions to people: how the outside sees one, and the mark that decides which answer to it counts.

The mark holds the answer itself. Whoever finds it taken, another caller or the engine whose deadline came, brings that answer to the run:
so the one that counts is never lost, and no clock is compared with another.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from application.once import digest_of
from domain.ids import Position, RunId
from domain.json import Json, JsonObject
from domain.ports.repositories import IdempotencyMark
from domain.question import HUMAN
from domain.run.run import Waiting
from domain.run.state import Activation, RunState

TOO_LATE: Final = "deadline"
"""What the mark holds when the deadline came before an answer."""
ANSWER: Final = "answer"
"""The kind of wish that brings an answer."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer on its way. `request`: which of several that say the same."""

    activation: str
    asked_at: Position
    answer: Json
    by: str
    request: str

    @property
    def key(self) -> str:
        """Names the question within its run."""
        return f"{ANSWER} {self.asked_at}"

    def as_json(self) -> JsonObject:
        return {"activation": self.activation, "asked_at": self.asked_at, "answer": self.answer, "by": self.by, "request": self.request}

    def written(self) -> str:
        return json.dumps(self.as_json(), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The deadline of a question came. `given`: the answer that came before it; None: there was none."""

    activation: Activation
    asked_at: Position
    given: Given | None


def given_of(body: JsonObject) -> Given:
    asked_at = Position(cast(int, body["asked_at"]))
    return Given(str(body["activation"]), asked_at, body["answer"], str(body["by"]), str(body["request"]))


def read(told: str) -> Given | None:
    """What a mark holds; None when the deadline came first."""
    return None if told == TOO_LATE else given_of(json.loads(told))


def mark_of(run: RunId, asked_at: int, now: datetime) -> IdempotencyMark:
    """A position names the question, also when its node has another name by now."""
    key = f"{ANSWER} {asked_at} of {run}"
    return IdempotencyMark(key, digest_of(ANSWER, key), now)


def asked(activation: Activation) -> Waiting:
    """What an activation waits for that asks somebody."""
    assert activation.about is not None
    about = {**activation.about, "asked_at": activation.asked_at}
    return Waiting(activation.path, activation.parked_for or HUMAN, activation.parked_until, (), about)


def all_asked(state: RunState) -> tuple[Waiting, ...]:
    """In the order in which they were asked."""
    return tuple(asked(activation) for activation in state.listening.values() if activation.is_asking)
