"""The one codec: events and the parts of rows that are JSON, to bytes and back.

An event's bytes are its fields as a JSON object; its kind stands beside them in the row. Decimals are strings.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias, cast

import orjson

from domain.change import Change, Operation
from domain.errors import Failure, SerializationError
from domain.graph.definition import Limits
from domain.run.events import EVENT_TYPES, Event
from domain.usage import Money, Usage

Decoded: TypeAlias = dict[str, Any]
"""A JSON object as it was read; what its members are is known to the function that takes it."""


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def encode(value: object) -> bytes:
    """JSON of an event, or of any plain data. `SerializationError` for what cannot be (an integer over 64 bits, half a surrogate pair)."""
    try:
        return orjson.dumps(value, _plain)
    except TypeError as error:
        raise SerializationError(f"{type(value).__name__} cannot be stored as JSON: {error}") from error


def decode(kind: str, body: bytes) -> Event:
    """The event that `encode` wrote. `SerializationError` when this version does not know its kind or one of its fields."""
    if kind not in _TYPES:
        raise SerializationError(f"this version of Weft does not know journal rows of kind {kind!r}: update it")
    event_type = _TYPES[kind]
    members = plain(body)
    for name, read in _READS[event_type].items():
        if members.get(name) is not None:
            members[name] = read(members[name])
    try:
        return event_type(**members)
    except TypeError as error:
        raise SerializationError(f"this version of Weft cannot read a {kind} row: {error}") from error


def plain(body: bytes) -> Decoded:
    """A JSON object. `SerializationError` when the bytes are none."""
    try:
        return cast(Decoded, orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise SerializationError(f"a stored row is not JSON: {error}") from error


def money_of(members: Decoded) -> Money:
    return Money(Decimal(members["amount"]), members["currency"])


def usage_of(members: Decoded) -> Usage:
    cost, earlier = members.pop("cost", None), tuple(map(usage_of, members.pop("earlier", ())))
    return Usage(**members, cost=money_of(cost) if cost else None, earlier=earlier)


def failure_of(members: Decoded) -> Failure:
    return Failure(**members)


def limits_of(members: Decoded) -> Limits:
    cost = members.pop("cost_usd", None)
    return Limits(**members, cost_usd=None if cost is None else Decimal(cost))


def changes_of(items: list[Decoded]) -> tuple[Change, ...]:
    return tuple([Change(**{**members, "operation": Operation(members["operation"])}) for members in items])


_TYPES = {event_type.kind: event_type for event_type in EVENT_TYPES}
_FIELDS: dict[str, Callable[[Any], object]] = {
    "taken": tuple,
    "consumed": tuple,
    "cancelled": tuple,
    "inputs": tuple,
    "signals": tuple,
    "pause_before": tuple,
    "pause_after": tuple,
    "items": tuple,
    "usage": usage_of,
    "failure": failure_of,
    "limits": limits_of,
    "changes": changes_of,
}
"""A field's name means the same in every event."""
_READS = {event_type: {name: _FIELDS[name] for name in event_type.__slots__ if name in _FIELDS} for event_type in EVENT_TYPES}
