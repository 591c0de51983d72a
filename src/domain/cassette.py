"""What a run asked of models and tools and what they said, on tape: recorded once, and given again to a run that may have changed."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.change import Change, difference
from domain.ids import ActivationPath
from domain.json import Json, JsonObject

MODEL, TOOL = "model", "tool"
_NUMBERS: Final = re.compile(r"#\d+|\[\d+\]")
_PART: Final = re.compile(r"(\d+)")


def _as_it_is(value: Json) -> Json:
    return value


def node_of(at: str) -> str:
    """`/each#1[3]/draft#2` -> `each/draft`: the same node, whichever visit and item."""
    return _NUMBERS.sub("", at).strip("/")


def in_reading_order(at: str) -> tuple[tuple[int, str], ...]:
    """Sorts `/a#10` after `/a#2`."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in _PART.split(at))


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """`kind`: `model` or `tool`; `name`: the model as the node names it, or the tool. `digest`: a hash of `asked`, before that was
    shortened. `answer` None: it failed with `error`."""

    kind: str
    name: str
    at: ActivationPath
    effect: int
    digest: str
    asked: JsonObject
    answer: JsonObject | None = None
    error: JsonObject | None = None


@dataclass(slots=True, eq=False)
class Recording:
    """A tape that is written. `clean`: takes what is secret out of it. `tools`: documents of those that were called or offered, by name."""

    clean: Callable[[Json], Json] = _as_it_is
    tools: dict[str, JsonObject] = field(default_factory=dict)
    _calls: list[RecordedCall] = field(default_factory=list)

    def note(self, call: RecordedCall) -> None:
        self._calls.append(call)

    @property
    def calls(self) -> list[RecordedCall]:
        """By place and number, and those of one number as they came: two tapes of the same run are the same."""
        return sorted(self._calls, key=lambda call: (in_reading_order(call.at), call.effect))


@dataclass(frozen=True, slots=True)
class AskedOtherwise:
    """`changes`: from what was asked when it was recorded to what is asked now."""

    at: ActivationPath
    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class NotRecorded:
    at: ActivationPath
    kind: str
    name: str


@dataclass(slots=True, eq=False)
class Playback:
    """A tape that is played: each of its calls answers once, and the same question again as its last answer was. `since`: when the run
    that was recorded began. `models`: name -> the model it is to stand for now, whose price counts."""

    calls: Sequence[RecordedCall]
    tools: Mapping[str, JsonObject]
    since: datetime
    models: Mapping[str, str] = field(default_factory=dict)
    clean: Callable[[Json], Json] = _as_it_is
    otherwise: list[AskedOtherwise] = field(default_factory=list)
    missing: list[NotRecorded] = field(default_factory=list)
    unused: list[RecordedCall] = field(init=False)

    def __post_init__(self) -> None:
        self.unused = list(self.calls)

    def draw(self, asked: RecordedCall) -> RecordedCall | None:
        """What answers a call, whose own answer is not known yet; None, and it is noted as missing, when nothing does. Nothing that was
        asked word for word is given away to another question of its node."""
        found = self._taken(_same_call, asked) or self._taken(_same_question, asked) or self._again(asked)
        if found is not None:
            return found
        found = self._taken(_same_visit, asked) or self._taken(_same_node, asked)
        if found is None:
            self.missing.append(NotRecorded(asked.at, asked.kind, asked.name))
        else:
            self.otherwise.append(AskedOtherwise(asked.at, asked.name, difference(found.asked, asked.asked)))
        return found

    def _taken(self, fits: Callable[[RecordedCall, RecordedCall], bool], asked: RecordedCall) -> RecordedCall | None:
        found = next((call for call in self.unused if fits(call, asked)), None)
        if found is not None:
            self.unused.remove(found)
        return found

    def _again(self, asked: RecordedCall) -> RecordedCall | None:
        return next((call for call in reversed(self.calls) if _same_question(call, asked)), None)


def _same_call(call: RecordedCall, asked: RecordedCall) -> bool:
    return _same_question(call, asked) and (call.at, call.effect) == (asked.at, asked.effect)


def _same_question(call: RecordedCall, asked: RecordedCall) -> bool:
    return (call.kind, call.digest) == (asked.kind, asked.digest)


def _same_visit(call: RecordedCall, asked: RecordedCall) -> bool:
    return _same_node(call, asked) and (call.at, call.effect) == (asked.at, asked.effect)


def _same_node(call: RecordedCall, asked: RecordedCall) -> bool:
    """Another model may have been asked instead; what one tool gave says nothing of another."""
    return call.kind == asked.kind and node_of(call.at) == node_of(asked.at) and (call.kind == MODEL or call.name == asked.name)


def without_bulk(value: Json, longest: int = 2_000) -> Json:
    """Data URIs cut to where they can still be told apart by eye: what they hold is in the digest."""
    if isinstance(value, str):
        return f"{value[:64]}... ({len(value):,} characters)" if len(value) > longest and value.startswith("data:") else value
    if isinstance(value, dict):
        return {name: without_bulk(inner, longest) for name, inner in value.items()}
    return [without_bulk(inner, longest) for inner in value] if isinstance(value, list | tuple) else value
