"""What one row changes in a state, field by field; and the difference between two states."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from domain.errors import Problem, ValidationError
from domain.json import Json

Values: TypeAlias = Mapping[str, Json]
"""Channel -> value."""


class Operation(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Change:
    """`path`: a JSON pointer from the state's root (`/notes/3/text`). `old` means nothing of a `create`, `new` nothing of a `delete`."""

    operation: Operation
    path: str
    old: Json = None
    new: Json = None

    @property
    def channel(self) -> str:
        return unescaped(self.path.split("/", 2)[1])


def difference(old: Json, new: Json, path: str = "") -> tuple[Change, ...]:
    """The changes that turn `old` into `new`, in an order in which they can be applied: `applied(old, difference(old, new)) == new`."""
    return tuple(_between(old, new, path))


def _between(old: Json, new: Json, path: str) -> Iterator[Change]:
    if old is new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _between_objects(old, new, path)
    elif _is_list(old) and _is_list(new):
        yield from _between_lists(old, new, path)  # type: ignore[arg-type]
    elif not same(old, new):
        yield Change(Operation.UPDATE, path, old, new)


def _between_objects(old: Mapping[str, Json], new: Mapping[str, Json], path: str) -> Iterator[Change]:
    for name in old:
        at = f"{path}/{escaped(name)}"
        if name in new:
            yield from _between(old[name], new[name], at)
        else:
            yield Change(Operation.DELETE, at, old[name])
    for name in new:
        if name not in old:
            yield Change(Operation.CREATE, f"{path}/{escaped(name)}", None, new[name])


def _between_lists(old: Sequence[Json], new: Sequence[Json], path: str) -> Iterator[Change]:
    """Item by item; what is over at the end comes or goes, the last one first when it goes."""
    common = min(len(old), len(new))
    for number, (mine, its) in enumerate(zip(old, new, strict=False)):
        if mine is not its:
            yield from _between(mine, its, f"{path}/{number}")
    for number in range(len(old) - 1, common - 1, -1):
        yield Change(Operation.DELETE, f"{path}/{number}", old[number])
    for number in range(common, len(new)):
        yield Change(Operation.CREATE, f"{path}/{number}", None, new[number])


def same(one: Json, other: Json) -> bool:
    """Equal as JSON: `true` is not 1, and 1 is not 1.0's neighbour but 1.0 itself."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(map(same, one, other))  # type: ignore[arg-type]
    return one == other


def applied(values: Values, changes: Iterable[Change]) -> dict[str, Json]:
    """The values after these changes; the given ones stay as they are. `ValidationError` names a path that leads nowhere."""
    root: dict[str, Json] = dict(values)
    for number, change in enumerate(changes):
        steps = [unescaped(step) for step in change.path.split("/")[1:]]
        if not steps:
            raise _lost(number, change.path, "a change names a channel, or something in one")
        root = _changed(root, steps, change, number)  # type: ignore[assignment]
    return root


def _changed(value: Json, steps: Sequence[str], change: Change, number: int) -> Json:
    """A copy of `value` in which what `steps` leads to has changed; only what is on the way is copied."""
    step, rest = steps[0], steps[1:]
    if isinstance(value, Mapping):
        copy = dict(value)
        if rest:
            if step not in copy:
                raise _lost(number, change.path, f"there is no `{step}`")
            copy[step] = _changed(copy[step], rest, change, number)
        elif change.operation is Operation.DELETE:
            if step not in copy:
                raise _lost(number, change.path, f"there is no `{step}` to delete")
            del copy[step]
        else:
            copy[step] = change.new
        return copy
    if _is_list(value):
        return _changed_list(list(value), step, rest, change, number)  # type: ignore[arg-type]
    raise _lost(number, change.path, f"`{step}` would be inside a value that is neither an object nor a list")


def _changed_list(items: list[Json], step: str, rest: Sequence[str], change: Change, number: int) -> Json:
    adds = not rest and change.operation is not Operation.DELETE and step in ("-", str(len(items)))
    if adds:
        return [*items, change.new]
    if not step.isdecimal() or int(step) >= len(items):
        raise _lost(number, change.path, f"a list of {len(items)} has no item `{step}`")
    at = int(step)
    if rest:
        items[at] = _changed(items[at], rest, change, number)
    elif change.operation is Operation.DELETE:
        del items[at]
    else:
        items[at] = change.new
    return items


def _lost(number: int, path: str, why: str) -> ValidationError:
    message = f"the path {path!r} leads nowhere: {why}"
    return ValidationError(message, [Problem(f"/changes/{number}/path", "no_such_path", message)])


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
