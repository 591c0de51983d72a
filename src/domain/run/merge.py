"""How an update meets the value that a channel holds. Pure: neither operand is changed."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from math import isfinite
from typing import Final, cast

from domain.errors import NodeExecutionError
from domain.graph.definition import Merge
from domain.json import Json

ABSENT = object()
"""The channel holds nothing yet."""
INT_END: Final = 2**63


def merged(rule: Merge, old: Json | object, update: Json) -> Json:
    """The channel's next value. An update that the rule cannot take is a `NodeExecutionError` with code `bad_update`."""
    if rule is Merge.REPLACE:
        return update
    try:
        return _RULES[rule](old, update)
    except (TypeError, OverflowError) as error:
        held = "" if old is ABSENT else f" onto {_name(old)}"
        raise NodeExecutionError(f"merge rule {rule.value} cannot take {_name(update)}{held}", "bad_update") from error


def _append(old: Json | object, update: Json) -> Json:
    """A list is added item by item, anything else as one item."""
    result = _listed(old)
    result.extend(_as_list(update))
    return result


def _union(old: Json | object, update: Json) -> Json:
    """Equal as JSON: 1 is 1.0, but neither is true."""
    result = _listed(old)
    known = {_key(item) for item in result}
    for item in _as_list(update):
        key = _key(item)
        if key not in known:
            known.add(key)
            result.append(item)
    return result


def _key(value: Json) -> Hashable:
    """The same for values that are equal as JSON, and for no others."""
    if isinstance(value, Mapping):
        return frozenset((name, _key(member)) for name, member in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_key(item) for item in value)
    return (bool, value) if isinstance(value, bool) else value


def _deep(old: Json | object, update: Json) -> Json:
    if not isinstance(update, Mapping):
        raise TypeError
    base = dict(old) if isinstance(old, Mapping) else {}
    for key, value in update.items():
        both = isinstance(base.get(key), Mapping) and isinstance(value, Mapping)
        base[key] = _deep(base[key], value) if both else value
    return base


def _messages(old: Json | object, update: Json) -> Json:
    """Append; a message whose `id` is known replaces the one that has it. An `id` of null is none."""
    result = _listed(old)
    place = {message["id"]: at for at, message in enumerate(result) if isinstance(message, Mapping) and message.get("id") is not None}
    for message in _as_list(update):
        if not isinstance(message, Mapping):
            raise TypeError
        name = message.get("id")
        if name in place:
            result[place[name]] = message
            continue
        if name is not None:
            place[name] = len(result)
        result.append(message)
    return result


def _number(value: Json | object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value


def _storable(value: int | float) -> int | float:
    """Journals hold finite numbers and integers of 64 bits."""
    if not (isfinite(value) if isinstance(value, float) else -INT_END <= value < INT_END):
        raise OverflowError
    return value


def _listed(old: Json | object) -> list[Json]:
    """A copy. What is no list counts as one item, as in an update."""
    if old is ABSENT or old is None:
        return []
    return list(old) if isinstance(old, Sequence) and not isinstance(old, str) else [cast(Json, old)]


def _as_list(update: Json) -> Sequence[Json]:
    return update if isinstance(update, Sequence) and not isinstance(update, str) else [update]


def _name(value: Json | object) -> str:
    return "null" if value is None else type(value).__name__


def _over(pick: Callable[[int | float, int | float], int | float]) -> Callable[[Json | object, Json], Json]:
    def rule(old: Json | object, update: Json) -> Json:
        number = _number(update)
        return number if old is ABSENT or old is None else _storable(pick(_number(old), number))

    return rule


_RULES: Mapping[Merge, Callable[[Json | object, Json], Json]] = {
    Merge.APPEND: _append,
    Merge.MERGE: _deep,
    Merge.ADD: _over(lambda old, new: old + new),
    Merge.MAX: _over(max),
    Merge.MIN: _over(min),
    Merge.UNION: _union,
    Merge.MESSAGES: _messages,
}
