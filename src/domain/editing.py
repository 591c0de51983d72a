"""What somebody wants changed in a state, made into changes that know what was there before."""

from collections.abc import Mapping, Sequence
from typing import Final

from domain.change import Change, Operation, Values, applied, unescaped
from domain.errors import Problem, ValidationError
from domain.json import Json

_APPENDED: Final = "-"
"""As in JSON Patch: the place behind a list's last item."""


def resolved(values: Values, wanted: Sequence[Change]) -> tuple[Change, ...]:
    """The same changes with their old values, to be applied one after the other; each sees what those before it did.

    `ValidationError` names the first that cannot be: a `create` of what is there (in a list only the place behind the last item is free),
    an `update` or `delete` of what is not, a path through what is neither an object nor a list.
    """
    held: Values = values
    found: list[Change] = []
    for number, change in enumerate(wanted):
        told = _resolved(held, change, number)
        held = applied(held, [told])
        found.append(told)
    return tuple(found)


def _resolved(held: Values, change: Change, number: int) -> Change:
    written = change.path.split("/")
    steps = [unescaped(step) for step in written[1:]]
    if written[0] or not steps or not steps[0]:
        raise _wrong(number, "bad_path", f"{change.path!r} is no path: write it as /channel or /channel/member/0")
    inside: Json = held
    for step in steps[:-1]:
        is_there, inside = _member(inside, step)
        if not is_there:
            raise _wrong(number, "no_such_path", f"there is nothing at {change.path!r}: its way ends at `{step}`")
    is_there, old = _member(inside, steps[-1])
    if change.operation is Operation.CREATE:
        return Change(change.operation, _free_place(inside, change.path, is_there=is_there, number=number), None, change.new)
    if not is_there:
        raise _wrong(number, "no_such_path", f"there is nothing at {change.path!r} to {change.operation.value}")
    return Change(change.operation, change.path, old, None if change.operation is Operation.DELETE else change.new)


def _member(value: Json, step: str) -> tuple[bool, Json]:
    """Is it there, and what is it?"""
    if isinstance(value, Mapping):
        return step in value, value.get(step)
    if isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal() and step.isascii() and int(step) < len(value):
        return True, value[int(step)]
    return False, None


def _free_place(inside: Json, path: str, *, is_there: bool, number: int) -> str:
    """The path at which something new can be, with the number of a list's next item."""
    if is_there:
        raise _wrong(number, "already_there", f"there is something at {path!r} already: update it")
    if isinstance(inside, Mapping):
        return path
    parent, _, step = path.rpartition("/")
    if isinstance(inside, Sequence) and not isinstance(inside, str) and step in (_APPENDED, str(len(inside))):
        return f"{parent}/{len(inside)}"
    raise _wrong(number, "no_such_path", f"nothing can be created at {path!r}: a list takes a new item behind its last one, at `-`")


def _wrong(number: int, code: str, message: str) -> ValidationError:
    return ValidationError(message, [Problem(f"/changes/{number}/path", code, message)])
