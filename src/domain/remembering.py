"""Whose an item is, what may be remembered, and which items are asked for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.acting import Acting
from domain.errors import DocumentTooLarge, ExpressionError, Problem, ScopeMissing, ValidationError
from domain.ids import TenantId
from domain.item import MOST_NAMES, SEPARATOR, VALUE_BYTES, Comparison, Condition, Item, Namespace, must_be_name, must_be_namespace
from domain.json import Json, JsonObject

LONGEST_TTL: Final = 10 * 365 * 86_400
"""Seconds."""
MOST_CONDITIONS: Final = 20
MOST_MEMBERS: Final = 20
_OWNERS_NAMES: Final = 2
"""Of a namespace: its scope and whose it is."""
_SIGN: Final = "$"


class ItemScope(StrEnum):
    """Whose an item is; the first name of its namespace says so too."""

    SESSION = "session"
    USER = "user"
    WORKFLOW = "workflow"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Standpoint:
    """From where something is remembered or recalled. `workflow`: its name, "" outside any run. `acting`: of a run in a session."""

    workflow: str = ""
    acting: Acting | None = None

    def namespace(self, scope: ItemScope, inner: Sequence[str] = ()) -> Namespace:
        """`("user", "ada", *inner)`; `("tenant", *inner)` for all. `ScopeMissing` where there is no such session, user or workflow."""
        return must_be_namespace((scope.value, *self._owner(scope), *inner))

    def _owner(self, scope: ItemScope) -> tuple[str, ...]:
        if scope is ItemScope.TENANT:
            return ()
        if scope is ItemScope.WORKFLOW and self.workflow:
            return (as_name(self.workflow),)
        if scope in (ItemScope.SESSION, ItemScope.USER) and self.acting is not None:
            return (as_name(self.acting.session if scope is ItemScope.SESSION else self.acting.user_id),)
        missing = "no workflow runs here" if scope is ItemScope.WORKFLOW else f"the run is in no session, so that there is no {scope.value}"
        advice = "say scope `tenant`" if scope is ItemScope.WORKFLOW else "say scope `workflow` or `tenant`, or start it with `session_id`"
        raise ScopeMissing(f"{missing}: {advice}")


def as_name(text: str) -> str:
    """A text as one name of a namespace: `/`, `%` and what cannot be printed are written as in an address, `a/b` as `a%2Fb`."""
    strange = "." if text in (".", "..") else f"{SEPARATOR}%"
    return "".join(_as_in_an_address(one) if one in strange or not one.isprintable() else one for one in text)


def _as_in_an_address(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))


def names_in(written: str) -> tuple[str, ...]:
    """The names of `a/b`, none of ""."""
    return tuple(written.split(SEPARATOR)) if written else ()


def place_of(written: str) -> tuple[Namespace, str]:
    """Namespace and key of `user/ada/colour`. `ValidationError` for one that cannot be."""
    *names, key = written.split(SEPARATOR)
    if not names:
        raise ValidationError(f"{written[:40]!r} is no item: say NAMESPACE/KEY, such as user/ada/colour")
    return must_be_namespace(names), must_be_name(key)


def reference_of(path: str, scope: str = ItemScope.WORKFLOW) -> str:
    """How an expression's item is told, `user:notes/colour`: in the namespace `notes` of the scope, which may be none. `ExpressionError`
    for one that cannot be."""
    if scope not in tuple(ItemScope):
        raise ExpressionError(f"there is no scope {scope[:40]!r}; there are {', '.join(ItemScope)}")
    for name in path.split(SEPARATOR):
        try:
            must_be_name(name)
        except ValidationError as error:
            raise ExpressionError(f"{path[:40]!r} is no item: {error.message}") from None
    if path.count(SEPARATOR) > MOST_NAMES - _OWNERS_NAMES:
        raise ExpressionError(f"a namespace within a scope has at most {MOST_NAMES - _OWNERS_NAMES} names")
    return f"{scope}:{path}"


def place_at(reference: str, standpoint: Standpoint) -> tuple[Namespace, str]:
    """Namespace and key of what `reference_of` told. `ScopeMissing` as of `Standpoint.namespace`."""
    scope, _, path = reference.partition(":")
    *inner, key = path.split(SEPARATOR)
    return standpoint.namespace(ItemScope(scope), inner), key


def an_item(tenant: TenantId, namespace: Namespace, key: str, value: Json, now: datetime, ttl_seconds: int | None = None) -> Item:
    """What is to be put. `DocumentTooLarge` for a value above `VALUE_BYTES`, `ValidationError` for a key or time that cannot be."""
    size = _size_of(value)
    if size > VALUE_BYTES:
        message = f"the value has {size:,} bytes as JSON; an item has at most {VALUE_BYTES:,}"
        raise DocumentTooLarge(message, [Problem("/value", "too_large", message)])
    if ttl_seconds is not None and not 1 <= ttl_seconds <= LONGEST_TTL:
        message = f"an item lives 1 to {LONGEST_TTL:,} seconds"
        raise ValidationError(message, [Problem("/ttl_seconds", "out_of_range", message)])
    expires_at = None if ttl_seconds is None else now + timedelta(seconds=ttl_seconds)
    return Item(tenant, must_be_namespace(namespace), must_be_name(key), value, now, now, expires_at)


def _size_of(value: Json) -> int:
    try:
        return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    except UnicodeEncodeError:
        message = "the value holds text that is no Unicode: half of a surrogate pair"
        raise ValidationError(message, [Problem("/value", "unstorable", message)]) from None


def conditions_of(wanted: JsonObject) -> tuple[Condition, ...]:
    """`{"size": 3, "owner.name": "ada"}`: members that are equal, `.` for what is inside them; `{"size": {"$gte": 3}}` compares."""
    found = [condition for path, operand in wanted.items() for condition in _conditions(path, operand)]
    if len(found) > MOST_CONDITIONS:
        raise _refused(f"a filter has at most {MOST_CONDITIONS} conditions, not {len(found)}")
    return tuple(found)


def _conditions(path: str, operand: Json) -> Iterator[Condition]:
    member = tuple(path.split("."))
    if not all(member) or len(member) > MOST_MEMBERS:
        raise _refused(f"{path[:40]!r} names no member: 1 to {MOST_MEMBERS} names, with `.` between them")
    if not isinstance(operand, Mapping) or not any(sign.startswith(_SIGN) for sign in operand):
        yield Condition(member, Comparison.EQUAL, operand)
        return
    for sign, told in operand.items():
        yield Condition(member, _comparison(sign), told)


def _comparison(sign: str) -> Comparison:
    known = {f"{_SIGN}{one.value}": one for one in Comparison}
    if sign not in known:
        raise _refused(f"{sign[:40]!r} compares nothing; there are {', '.join(known)}")
    return known[sign]


def _refused(message: str) -> ValidationError:
    return ValidationError(message, [Problem("/filter", "bad_filter", message)])
