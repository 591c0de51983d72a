"""What was done, by whom, to what, and who decided: a chain in which each record holds the digest of the one before.

The chain goes over bytes, whatever made them: the digest of a record is the SHA-256 of the digest before it, a new line, and its body.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from domain.ids import TenantId
from domain.json import JsonObject

LOST: Final = "audit.lost"
"""The action of a deed that stands for others, which were noted faster than they could be written."""


@dataclass(frozen=True, slots=True)
class Deed:
    """`who`: the name of a key, `session ID` or `run ID`. `action`: a word such as `tool.call`, `key.create`. `effect`: allow, ask or deny,
    by `rule` of `source`. `about`: what else a reader wants to know; never a secret, never what was said."""

    tenant: TenantId
    at: datetime
    who: str
    action: str
    resource: str
    effect: str
    rule: str = ""
    source: str = ""
    about: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """`number` counts from 1 within a tenant, without gaps. `digest`: hex SHA-256 over the digest before and the deed (RFC 8785)."""

    number: int
    deed: Deed
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: whoever knows the head of a day knows all that came before it."""

    number: int
    digest: str

    def after(self, body: bytes) -> "Head":
        """The head when this is the next record."""
        return Head(self.number + 1, sha256(f"{self.digest}\n".encode(errors="replace") + body).hexdigest())


START: Final = Head(0, "0" * 64)
"""Before the first record."""


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record as a store holds it. `body`: the bytes that the digest goes over. `is_alike`: what a store repeats beside them, to search
    for it, says what they say."""

    record: AuditRecord
    body: bytes
    is_alike: bool = True


@dataclass(frozen=True, slots=True)
class Break:
    """The first record that does not fit. `at`: what it says of its time, or the next one when it is gone; None when there is none."""

    number: int
    at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`head`: of the last record that fits."""

    head: Head
    broken: Break | None = None


def verify(records: Iterable[KeptRecord], head: Head = START) -> Checked:
    """Do these records, by number, go on from `head`?"""
    for kept in records:
        found = kept.record
        if found.number != head.number + 1:
            reason = f"it is missing: the next one there is has the number {found.number}"
            return Checked(head, Break(head.number + 1, found.deed.at, reason))
        after = head.after(kept.body)
        if reason := _objection(kept, after):
            return Checked(head, Break(found.number, found.deed.at, reason))
        head = after
    return Checked(head)


def ends_at(checked: Checked, head: Head) -> Checked:
    """Is the last of the records that were checked the one that the store calls the last?"""
    if checked.broken is not None or checked.head == head:
        return checked
    last = checked.head
    if last.number < head.number:
        return Checked(last, Break(last.number + 1, None, f"it is missing: the chain ends at {head.number}"))
    return Checked(last, Break(head.number, None, "the head of the chain has another digest than the record"))


def _objection(kept: KeptRecord, after: Head) -> str:
    if kept.record.digest != after.digest:
        return "its digest does not fit: what it says, its digest or its place in the chain was changed"
    return "" if kept.is_alike else "the columns of its row do not say what its deed says"
