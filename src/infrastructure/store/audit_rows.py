"""Deeds as rows of the audit trail, and back. The body of a row is the deed's RFC 8785 form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import orjson

from domain.audit import START, AuditRecord, Deed, Head, KeptRecord
from domain.errors import RepositoryError
from domain.ids import TenantId
from infrastructure.store.rows import Row, moment, seconds

AUDIT_COLUMNS: Final = "tenant, number, at, who, action, resource, effect, deed, digest"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EXACT: Final = 2**53
_MOST_TOLD: Final = 1_000
_TYPES: Final = {"at": int, "about": dict, **dict.fromkeys(("tenant", "who", "action", "resource", "effect", "rule", "source"), str)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed that any store takes, with its body."""

    deed: Deed
    body: bytes


def entry_of(deed: Deed) -> Entry:
    """What no store takes (NUL, half a surrogate pair, a number without a canonical form) is replaced: a deed is never refused."""
    try:
        body = _canonical(deed)
    except (TypeError, ValueError):
        body = b""
    if body and (b"\\u0000" not in body or "\0" not in deed.tenant + deed.who + deed.action + deed.resource + deed.effect):
        return Entry(deed, body)
    mended = _mended(deed)
    return Entry(mended, _canonical(mended))


def chained(entries: Iterable[Entry], ends: Mapping[TenantId, Row]) -> tuple[list[Row], dict[TenantId, Head]]:
    """Rows of `AUDIT_COLUMNS`, and the new heads by tenant. `ends`: by tenant the number and digest of the head and the highest number
    there is, any of them None."""
    heads = {tenant: _head_of(tenant, end) for tenant, end in ends.items()}
    rows: list[Row] = []
    for entry in entries:
        deed = entry.deed
        head = heads[deed.tenant] = heads[deed.tenant].after(entry.body)
        told = (deed.who, deed.action, deed.resource, deed.effect)
        rows.append((deed.tenant, head.number, seconds(deed.at), *told, entry.body, head.digest))
    return rows, heads


def kept_of(row: Row) -> KeptRecord:
    """A row that was tampered with is read as far as it goes."""
    tenant, number, at, who, action, resource, effect, written, digest = row
    body = written.encode(errors="replace") if isinstance(written, str) else bytes(written)  # SQLite takes a text where bytes should be
    shown = Deed(TenantId(tenant), _moment(at), who, action, resource, effect)
    try:
        deed = _deed_of(orjson.loads(body))
    except (ValueError, OverflowError):
        return KeptRecord(AuditRecord(number, shown, digest), body, is_alike=False)
    is_alike = replace(deed, rule="", source="", about={}) == shown and seconds(deed.at) == at
    return KeptRecord(AuditRecord(number, deed, digest), body, is_alike)


def _head_of(tenant: str, end: Row) -> Head:
    number, digest, highest = end
    head = START if number is None else Head(number, digest)
    if (highest or 0) > head.number:  # lower it may seem to whoever had to wait for the head
        where = f"the audit trail of {tenant} goes on to {highest} behind its head, which says {head.number}"
        raise RepositoryError(f"{where}: nothing is added to it; `weft audit verify --tenant {tenant}` shows more")
    return head


def _canonical(deed: Deed) -> bytes:
    members = {
        "about": deed.about,
        "action": deed.action,
        "at": (deed.at - _EPOCH) // _MICROSECOND,
        "effect": deed.effect,
        "resource": deed.resource,
        "rule": deed.rule,
        "source": deed.source,
        "tenant": deed.tenant,
        "who": deed.who,
    }
    if _is_simple(deed.about):
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
    import rfc8785

    return rfc8785.dumps(orjson.loads(orjson.dumps({**members, "about": dict(deed.about)}, _mapping)))


def _is_simple(about: Mapping[str, object]) -> bool:
    """Of such members both libraries make the same bytes, and one of them does it thirty times as fast."""
    for name, value in about.items():
        if not name.isascii() or not (isinstance(value, str | bool) or value is None or (type(value) is int and -_EXACT < value < _EXACT)):
            return False
    return type(about) is dict


def _mapping(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _mended(deed: Deed) -> Deed:
    texts = {name: _text(getattr(deed, name)) for name in ("tenant", "who", "action", "resource", "effect", "rule", "source")}
    return replace(deed, **cast("Any", texts), about={"about": _text(repr(dict(deed.about)))[:_MOST_TOLD]})


def _text(value: str) -> str:
    return value.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _deed_of(members: object) -> Deed:
    """`ValueError` unless it is what `_canonical` writes."""
    if not isinstance(members, dict) or {name: type(value) for name, value in members.items()} != _TYPES:
        raise ValueError("a body of the audit trail is no deed")
    return Deed(**{**members, "at": _EPOCH + members["at"] * _MICROSECOND})


def _moment(at: float) -> datetime:
    try:
        return moment(at)
    except (OverflowError, OSError, TypeError, ValueError):
        return _EPOCH
