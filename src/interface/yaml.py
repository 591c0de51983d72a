"""Documents as they come from outside: JSON or YAML, bounded before anything is built, and for YAML with the line of every part.

YAML is the 1.2 core schema without tags, directives and merge keys: nothing but JSON comes out, so a date is a text. It is read
from libyaml's events: its nodes recurse on the C stack, its constructors run code, and a pure Python parser takes a minute for
what libyaml does in a second. What cannot be in bounds is refused from a count of its bytes, before it is parsed at all.
"""

import gc
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from application.errors import DocumentTooLarge, Problem, ValidationError

if TYPE_CHECKING:
    from interface.yaml_events import Spot

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_DEPTH: Final = 64
MAX_SEPARATORS: Final = 1_000_000
"""Every value but the first follows one of these; prose has about one in forty bytes."""
_SEPARATORS: Final = b",[{\n\r:-?"
_JSON_SEPARATORS: Final = b",[{"
_OTHER_LINE_ENDS: Final = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")


@dataclass(frozen=True, slots=True)
class Room:
    """How big a document may be."""

    bytes: int = MAX_BYTES
    values: int = MAX_SEPARATORS


USUAL: Final = Room()
Locate = Callable[[str], tuple[int, int] | None]


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """`locate`: JSON pointer -> line and column from 1, of the nearest part around it when there is none; None for a document in JSON."""

    document: Any
    locate: Locate = field(repr=False)


def load_document(data: bytes, kind: str, room: Room = USUAL) -> LoadedDocument:
    """Read bytes; `kind` is a content type (`application/yaml`) or a file's suffix (`.yml`), and JSON when it says nothing of YAML.

    `DocumentTooLarge` beyond `room`, usually 10 MiB; `ValidationError`, with line and column, for what is neither JSON nor YAML or out of
    bounds.
    """
    if len(data) > room.bytes:
        raise DocumentTooLarge(f"a document may have {room.bytes // 1024**2} MiB, and this has {len(data) / 1024**2:.1f}")
    text = _decoded(data)
    is_yaml = re.search(r"ya?ml\b", kind.lower())
    return _load_yaml(data, room) if is_yaml else LoadedDocument(_load_json(data, text, room), _nowhere)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal("bad_encoding", f"a document must be UTF-8, and byte {error.start} is not") from error


def _nowhere(pointer: str) -> None:
    return None


def _refusal(code: str, message: str, line: int | None = None, column: int | None = None) -> ValidationError:
    return ValidationError(message, [Problem("", code, message, line, column)])


def _refuse_crowds(data: bytes, room: Room, separators: bytes, line_ends: tuple[bytes, ...] = ()) -> None:
    found = len(data) - len(data.translate(None, separators)) + sum(map(data.count, line_ends))
    if found > room.values:
        raise _refusal("too_many_values", f"a document may have about {room.values:,} values, and this has more")


def _refuse_directives(data: bytes, line_ends: tuple[bytes, ...]) -> None:
    """libyaml compares `%TAG` lines with each other: a thousand of them take a second. In a mapping no line can begin with `%`."""
    if b"%" not in data:
        return
    if (data.startswith(b"%") and not data.startswith(b"%YAML 1.")) or any(end + b"%" in data for end in (b"\n", b"\r", *line_ends)):
        raise _refusal("bad_yaml", "directives (lines that begin with `%`) are not read; leave them out")


def _load_yaml(data: bytes, room: Room) -> LoadedDocument:
    line_ends = () if data.isascii() else _OTHER_LINE_ENDS
    _refuse_crowds(data, room, _SEPARATORS, line_ends)
    _refuse_directives(data, line_ends)
    from interface.yaml_events import YamlRefused, compose

    try:
        document = compose(data)
    except YamlRefused as refused:
        raise _refusal(refused.code, refused.message, refused.line, refused.column) from refused
    return LoadedDocument(document, _Places(data))


class _Places:
    """Where the parts of a YAML document stand; read again when first asked, for only invalid documents are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._top: Spot | None = None

    def __call__(self, pointer: str) -> tuple[int, int] | None:
        if self._top is None:
            from interface.yaml_events import spots

            self._top = spots(self._data)
        spot = self._top
        for step in pointer.split("/")[1:]:
            inner = spot.inside.get(step.replace("~1", "/").replace("~0", "~"))
            if inner is None:
                break
            spot = inner
        return spot.line, spot.column


@contextmanager
def _without_looks_for_garbage() -> Iterator[None]:
    """What is read from JSON has no circles: a third of the time would go into looking for some."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


def _load_json(data: bytes, text: str, room: Room) -> object:
    _refuse_crowds(data, room, _JSON_SEPARATORS)
    try:
        with _without_looks_for_garbage():
            return json.loads(text, object_pairs_hook=_without_doubles, parse_float=_finite, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _refusal("bad_json", f"this is not JSON: {error.msg}", error.lineno, error.colno) from error
    except RecursionError as error:
        raise _refusal("too_deep", f"a document may be nested {MAX_DEPTH} deep, and this goes deeper") from error
    except ValueError as error:
        reason = "a whole number has too many digits: write it as a string" if "int_max_str_digits" in str(error) else error
        raise _refusal("bad_json", f"this cannot be read: {reason}") from error


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = Counter(name for name, _ in pairs)
        raise ValueError(f"the key {names.most_common(1)[0][0][:80]!r} stands twice in one object")
    return members


def _finite(written: str) -> float:
    number = float(written)
    if not isfinite(number):
        raise ValueError(f"{written[:40]} is bigger than JSON numbers go")
    return number


def _no_constant(written: str) -> float:
    raise ValueError(f"JSON has no {written}")
