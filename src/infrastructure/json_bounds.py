"""How big JSON is, and whether it is plain. Bounds are in units of weight: one per character, `ELEMENT` per value in it."""

import math
from collections.abc import Mapping
from typing import Final

from domain.errors import ExpressionError, TooHeavy
from domain.json import Json

ELEMENT: Final = 64
MAX_WEIGHT: Final = 20_000_000
MAX_DEPTH: Final = 128
"""Libraries in C and Rust follow nesting on their stack: 20,000 levels end the process."""
INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1


def weigh(value: object, ceiling: int = MAX_WEIGHT) -> int:
    """The weight of `value`; `TooHeavy` above `ceiling`, `ExpressionError` beyond `MAX_DEPTH` or for an integer of more than 64 bits."""
    total, level, depth = 0, [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ExpressionError(f"a value is nested deeper than {MAX_DEPTH}")
        below: list[object] = []
        total += ELEMENT * len(level)
        for one in level:
            kind = type(one)
            if kind is str:
                total += len(one)  # type: ignore[arg-type]  # most are, and isinstance takes longer than all the rest
            elif kind is not bool and one is not None:
                total += _own_weight(one, below)
            if total + ELEMENT * len(below) > ceiling:
                raise TooHeavy(f"the values it works on are too big (weight above {ceiling:,}: {ELEMENT} an element, 1 a character)")
        level = below
    return total


def _own_weight(value: object, below: list[object]) -> int:
    if isinstance(value, list | tuple):
        below.extend(value)
    elif isinstance(value, int | float):
        if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
            raise ExpressionError("a whole number has more than 64 bits")
    elif isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - a look at an abstract class costs more than all the rest
        below.extend(value.values())
        try:
            return sum(map(len, value))
        except TypeError:  # keys that are no strings
            return sum(len(key) if isinstance(key, str) else ELEMENT for key in value)
    elif isinstance(value, str | bytes):
        return len(value)
    return 0


def plain(value: object) -> Json:
    """The same value when it is JSON; `ExpressionError` for times, bytes, infinities, maps with keys that are no strings."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ExpressionError(f"the result is {value}, which JSON cannot hold")
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {_key(key): plain(one) for key, one in value.items()}
    raise ExpressionError(f"the result is of type {type(value).__name__}, which is not JSON; turn it into a string or a number")


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise ExpressionError(f"the key {key!r} of an object is not a string")
