"""What is remembered across threads: a value under a key, in a namespace."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import ge, gt, le, lt
from typing import Final, TypeAlias

from domain.errors import ValidationError
from domain.ids import TenantId
from domain.json import Json

Namespace: TypeAlias = tuple[str, ...]
SEPARATOR: Final = "/"
MOST_NAMES: Final = 10
NAME_CHARACTERS: Final = 200
VALUE_BYTES: Final = 256 * 1024
PAGE: Final = 200
_OF_PATHS: Final = frozenset({".", ".."})
"""Whoever sends an address takes these out of it."""


@dataclass(frozen=True, slots=True)
class Item:
    """`version` counts the writes from 1 on, and begins again after the item was deleted. `value`: at most `VALUE_BYTES` of JSON."""

    tenant: TenantId
    namespace: Namespace
    key: str
    value: Json
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    version: int = 1

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


def must_be_namespace(names: Sequence[str]) -> Namespace:
    """`ValidationError` unless these are 1 to `MOST_NAMES` names that can be told apart when joined by `/`."""
    if not 1 <= len(names) <= MOST_NAMES:
        raise ValidationError(f"a namespace has 1 to {MOST_NAMES} names, not {len(names)}")
    return tuple(must_be_name(name) for name in names)


def must_be_name(name: str) -> str:
    """`ValidationError` for one that no namespace or key may have."""
    if not name or len(name) > NAME_CHARACTERS or SEPARATOR in name or not name.isprintable() or name in _OF_PATHS:
        rule = f"a name has 1 to {NAME_CHARACTERS} printable characters, no {SEPARATOR}, and is neither . nor .."
        raise ValidationError(f"{rule}; this one is {name[:40]!r}")
    return name


class Comparison(StrEnum):
    EQUAL = "eq"
    UNEQUAL = "ne"
    LESS = "lt"
    AT_MOST = "lte"
    MORE = "gt"
    AT_LEAST = "gte"


_ORDERS: Final[Mapping[Comparison, Callable[..., bool]]] = {
    Comparison.LESS: lt,
    Comparison.AT_MOST: le,
    Comparison.MORE: gt,
    Comparison.AT_LEAST: ge,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`member`: its name in the value, further names for what is inside it."""

    member: tuple[str, ...]
    comparison: Comparison
    operand: Json

    def holds(self, value: Json) -> bool:
        """False for a value without the member, and for an order between values that have none, such as a text and a number."""
        for name in self.member:
            if not isinstance(value, Mapping) or name not in value:
                return False
            value = value[name]
        if self.comparison in (Comparison.EQUAL, Comparison.UNEQUAL):
            return _is_same(value, self.operand) is (self.comparison is Comparison.EQUAL)
        return _have_order(value, self.operand) and _ORDERS[self.comparison](value, self.operand)


def _is_same(one: Json, other: Json) -> bool:
    """True is not 1, as in JSON."""
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _have_order(one: Json, other: Json) -> bool:
    return (isinstance(one, str) and isinstance(other, str)) or (_is_number(one) and _is_number(other))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def words_in(value: Json) -> str:
    """The texts in a value in lower case, a line for each; names of members are not among them."""
    return "\n".join(_texts(value)).lower()


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)
