"""How an update meets the value that a channel holds. Pure: neither operand is changed."""

from collections.abc import Callable, Mapping, Sequence

from domain.errors import NodeExecutionError
from domain.graph.definition import Merge
from domain.json import Json

ABSENT = object()
"""The channel holds nothing yet."""


def merged(rule: Merge, old: Json | object, update: Json) -> Json:
    """The channel's next value. An update that the rule cannot take is a `NodeExecutionError` with code `bad_update`."""
    if rule is Merge.REPLACE:
        return update
    try:
        return _RULES[rule](old, update)
    except (TypeError, AttributeError) as error:
        raise NodeExecutionError(f"merge rule {rule.value} cannot take {_name(update)}", "bad_update") from error


def _append(old: Json | object, update: Json) -> Json:
    """A list is added item by item, anything else as one item."""
    return [*_listed(old), *_as_list(update)]


def _union(old: Json | object, update: Json) -> Json:
    result = _listed(old)
    for item in _as_list(update):
        if not any(type(item) is type(known) and item == known for known in result):
            result.append(item)
    return result


def _deep(old: Json | object, update: Json) -> Json:
    if not isinstance(update, Mapping):
        raise TypeError
    base = dict(old) if isinstance(old, Mapping) else {}
    for key, value in update.items():
        both = isinstance(base.get(key), Mapping) and isinstance(value, Mapping)
        base[key] = _deep(base[key], value) if both else value
    return base


def _messages(old: Json | object, update: Json) -> Json:
    """Append; a message whose `id` is known replaces the one that has it."""
    result = _listed(old)
    place = {message["id"]: at for at, message in enumerate(result) if isinstance(message, Mapping) and "id" in message}
    for message in _as_list(update):
        if not isinstance(message, Mapping):
            raise TypeError
        if message.get("id") in place:
            result[place[message["id"]]] = message
            continue
        if "id" in message:
            place[message["id"]] = len(result)
        result.append(message)
    return result


def _number(value: Json | object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value


def _listed(old: Json | object) -> list[Json]:
    return list(old) if isinstance(old, Sequence) and not isinstance(old, str) else []


def _as_list(update: Json) -> Sequence[Json]:
    return update if isinstance(update, Sequence) and not isinstance(update, str) else [update]


def _name(value: Json) -> str:
    return "null" if value is None else type(value).__name__


def _over(pick: Callable[[int | float, int | float], int | float]) -> Callable[[Json | object, Json], Json]:
    def rule(old: Json | object, update: Json) -> Json:
        number = _number(update)
        return number if old is ABSENT or old is None else pick(_number(old), number)

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
