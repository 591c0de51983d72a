"""YAML from libyaml's events, one after the other, so that every bound holds before the next value is made."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Final, TypeAlias

from yaml import CSafeLoader
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import AliasEvent, CollectionEndEvent, DocumentStartEvent, Event, MappingStartEvent, ScalarEvent, SequenceStartEvent

MAX_DEPTH: Final = 64
MAX_ALIASES: Final = 100
MAX_EXPANDED: Final = 100_000
"""How many values all aliases of a document may stand for together."""
_LONGEST_NUMBER: Final = 400
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class YamlRefused(Exception):
    """Line and column count from 1."""

    def __init__(self, code: str, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.column = code, message, line, column


@dataclass(slots=True)
class Spot:
    """Where a part begins (a member at its key), and the parts inside it by key or number."""

    line: int
    column: int
    inside: dict[str, "Spot"] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """A list or mapping still being read. `size`: how many values it holds so far, through all levels and aliases."""

    value: list[object] | dict[str, object]
    spot: Spot
    anchor: str | None
    key: str | None = None
    key_spot: Spot | None = None
    size: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: object
    size: int


_Anchors: TypeAlias = dict[str, _Anchored]


def compose(data: bytes) -> object:
    """The one document in `data`, as JSON types. `YamlRefused` when it is none, or out of bounds."""
    return _Composer().run(data)[0]


def spots(data: bytes) -> Spot:
    """Where everything stands in a document that `compose` has read."""
    return _Composer(with_spots=True).run(data)[1]


def _events(data: bytes) -> Iterator[Event]:
    loader = CSafeLoader(data)
    try:
        while (event := loader.get_event()) is not None:
            yield event
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise YamlRefused("bad_yaml", f"this is not YAML: {error.problem or error.context}", line, column) from error
    except YAMLError as error:
        raise YamlRefused("bad_yaml", f"this is not YAML: {error}") from error
    finally:
        loader.dispose()


def _refused(code: str, message: str, event: Event) -> YamlRefused:
    return YamlRefused(code, message, *_place_of(event))


def _place_of(event: Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


class _Composer:
    def __init__(self, *, with_spots: bool = False) -> None:
        self._with_spots = with_spots
        self._open: list[_Open] = []
        self._anchors: _Anchors = {}
        self._aliases = 0
        self._expanded = 0
        self._documents = 0
        self._top: tuple[object, Spot] = (None, Spot(1, 1))

    def run(self, data: bytes) -> tuple[object, Spot]:
        for event in _events(data):
            if isinstance(event, ScalarEvent):
                self._scalar(event)
            elif isinstance(event, MappingStartEvent):
                self._begin({}, event)
            elif isinstance(event, SequenceStartEvent):
                self._begin([], event)
            elif isinstance(event, CollectionEndEvent):
                self._end()
            elif isinstance(event, AliasEvent):
                self._alias(event)
            elif isinstance(event, DocumentStartEvent):
                self._start_document(event)
        return self._top

    def _start_document(self, event: DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            raise _refused("bad_yaml", "this holds more than one document", event)

    def _scalar(self, event: ScalarEvent) -> None:
        self._refuse_tag(event)
        parent = self._open[-1] if self._open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self._take_key(parent, event)
            return
        value = _plain(event) if event.implicit[0] else event.value
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, 1)
        self._add(value, 1, self._spot(event))

    def _take_key(self, parent: _Open, event: ScalarEvent) -> None:
        if event.value in parent.value:
            raise _refused("duplicate_key", f"the key `{event.value[:80]}` stands twice in one mapping", event)
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(event.value, 1)
        parent.key, parent.key_spot = event.value, self._spot(event)

    def _begin(self, value: list[object] | dict[str, object], event: MappingStartEvent | SequenceStartEvent) -> None:
        self._refuse_tag(event)
        if len(self._open) == MAX_DEPTH:
            raise _refused("too_deep", f"a document may be nested {MAX_DEPTH} deep, and this goes deeper", event)
        self._refuse_as_key(event)
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(value, self._spot(event), event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = _Anchored(done.value, done.size)
        self._add(done.value, done.size, done.spot)

    def _alias(self, event: AliasEvent) -> None:
        self._refuse_as_key(event)
        name = event.anchor or ""
        named = self._anchors.get(name)
        if named is None:
            raise _refused("bad_alias", f"`*{name[:80]}` names nothing that is complete before it", event)
        self._aliases += 1
        self._expanded += named.size
        if self._aliases > MAX_ALIASES or self._expanded > MAX_EXPANDED:
            message = f"a document may have {MAX_ALIASES} aliases that stand for {MAX_EXPANDED:,} values together, and this has more"
            raise _refused("too_many_aliases", message, event)
        self._add(named.value, named.size, self._spot(event))

    def _add(self, value: object, size: int, spot: Spot) -> None:
        if not self._open:
            self._top = (value, spot)
            return
        parent = self._open[-1]
        parent.size += size
        if isinstance(parent.value, list):
            self._place(parent, str(len(parent.value)), spot)
            parent.value.append(value)
        elif parent.key is not None:
            self._place(parent, parent.key, spot)
            parent.value[parent.key] = value
            parent.key = None

    def _place(self, parent: _Open, step: str, spot: Spot) -> None:
        if self._with_spots:
            at = parent.key_spot or spot
            parent.spot.inside[step] = Spot(at.line, at.column, spot.inside)
            parent.key_spot = None

    def _spot(self, event: Event) -> Spot:
        return Spot(*_place_of(event)) if self._with_spots else _NO_SPOT

    def _refuse_as_key(self, event: Event) -> None:
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            raise _refused("bad_key", "a key must be text", event)

    def _refuse_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.tag:
            raise _refused("bad_tag", f"tags are not read; leave `{event.tag[:80]}` out", event)


_NO_SPOT: Final = Spot(0, 0)


def _plain(event: ScalarEvent) -> object:
    """The core schema of YAML 1.2: what is neither a number, a truth value nor null is text."""
    text = event.value
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _NOT_FINITE.fullmatch(text):
        raise _refused("number_range", "JSON has no infinity and no NaN; quote it if it is text", event)
    if len(text) <= _LONGEST_NUMBER and _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return _float(text, event) if _FLOAT.fullmatch(text) else text


def _float(text: str, event: ScalarEvent) -> float:
    number = float(text) if len(text) <= _LONGEST_NUMBER else inf
    if not isfinite(number):
        raise _refused("number_range", "this number is bigger than JSON numbers go", event)
    return number
