"""How many bytes a value takes as JSON, and how many it may."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from domain.change import escaped
from domain.errors import Problem, StateTooLarge, ValueTooLarge
from domain.json import Json

MOST_OF_A_VALUE: Final = 4 * 1024 * 1024
"""Bytes of one value that is written: a channel's update, a member of an input, an answer."""
MOST_OF_A_STATE: Final = 16 * 1024 * 1024
"""Bytes of all that a frame or a thread holds, and of what a run gives back."""
FRESH_ROOM: Final = MOST_OF_A_STATE - MOST_OF_A_VALUE
"""What is left in a child frame, whose input is one value."""
FLAT: Final = frozenset({bool, int, float, type(None)})
OF_A_MEMBER: Final = 64
"""No number takes more with its name, its comma and its colon."""
_SMALL: Final = 64 * 1024
_OF_A_CHARACTER: Final = 6
_LISTS: Final = frozenset({list, tuple})


def size_of(value: Json) -> int:
    """Bytes of its JSON (UTF-8, nothing between); of what is small never fewer than that, found without encoding it."""
    bound = _bound(value)
    return bound if bound <= _SMALL else _exact(value)


def _bound(value: Json) -> int:
    """No less than its bytes, unless it is above `_SMALL`: then any number above that."""
    total = 0
    level: list[Any] = [value]
    while level:
        below: list[object] = []
        for one in level:
            kind = type(one)
            if kind is str:
                total += _OF_A_CHARACTER * len(one) + 3
            elif kind is dict:
                total += 2 + sum([_OF_A_CHARACTER * len(name) + 4 for name in one])
                below += one.values()
            elif kind in _LISTS:
                total += 3
                below += one
            elif kind in FLAT:
                total += 32
            else:
                return _SMALL + 1
        if total + len(below) > _SMALL:
            return _SMALL + 1
        level = below
    return total


def _exact(value: Json) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode("utf-8", "surrogatepass"))


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def check_value(value: Json, path: str) -> int:
    """Its bytes; `ValueTooLarge` above `MOST_OF_A_VALUE`."""
    size = size_of(value)
    if size > MOST_OF_A_VALUE:
        raise ValueTooLarge(_too_large("the value", path, size, MOST_OF_A_VALUE))
    return size


def check_state(state: Json, path: str) -> int:
    """Its bytes; `StateTooLarge` above `MOST_OF_A_STATE`. `path`: of what made it so large."""
    size = size_of(state)
    if size > MOST_OF_A_STATE:
        raise StateTooLarge(_too_large("the state, with what is written", path, size, MOST_OF_A_STATE))
    return size


def too_large(values: Iterable[tuple[str, Json]]) -> list[Problem]:
    """Pointer and value of each: those that are too large."""
    sized = [(pointer, size_of(value)) for pointer, value in values]
    return [
        Problem(pointer, ValueTooLarge.code, _too_large("the value", pointer, size, MOST_OF_A_VALUE))
        for pointer, size in sized
        if size > MOST_OF_A_VALUE
    ]


def input_too_large(given: Mapping[str, Json], pointer: str) -> list[Problem]:
    """Members of an input that are too large, or all of it."""
    if size_of(given) <= MOST_OF_A_VALUE:
        return []
    return too_large((f"{pointer}/{escaped(name)}", value) for name, value in given.items()) or state_too_large(given, pointer)


def state_too_large(state: Json, pointer: str) -> list[Problem]:
    """One problem, or none. `pointer`: of what would make it so large."""
    size = size_of(state)
    return [Problem(pointer, StateTooLarge.code, _too_large("the state", pointer, size, MOST_OF_A_STATE))] if size > MOST_OF_A_STATE else []


def _too_large(what: str, path: str, size: int, most: int) -> str:
    return f"{what} at {path} has {size:,} bytes as JSON; {most:,} are allowed: keep it elsewhere and write where it is"
