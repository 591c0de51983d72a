"""The audit trail, as readers get it, and what they may ask of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.paging import PageOrder
from application.times import WrittenTime
from application.views import View
from domain.audit import START, AuditRecord, Break, Checked, Head
from domain.json import Json
from domain.ports.audit import DeedFilter

Word = Annotated[str | None, Field(max_length=1_000, pattern=r"^[^\x00]*$")]
PLACE: Final = "^[0-9]{1,15}:[0-9a-f]{64}$"
"""A record by its number and digest."""


class AuditListOrder(PageOrder):
    """Each word must be the whole of what the record says. The times bound `at`: from `since` on, before `until`."""

    who: Word = None
    action: Word = None
    resource: Word = None
    effect: Word = None
    since: WrittenTime | None = None
    until: WrittenTime | None = None

    def wanted(self) -> DeedFilter:
        return DeedFilter(self.who, self.action, self.resource, self.effect, self.since, self.until)


class VerifyOrder(BaseModel):
    """`after`: the record to go on from, as `NUMBER:DIGEST`; without it the chain is read from its beginning. `limit`: read no more than so
    many."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[str | None, Field(pattern=PLACE)] = None
    limit: Annotated[int, Field(ge=1, le=20_000)] = 10_000

    @property
    def start(self) -> Head:
        return START if self.after is None else head_of(self.after)


def head_of(place: str) -> Head:
    """What `PLACE` spells."""
    number, _, digest = place.partition(":")
    return Head(int(number), digest)


class DeedView(View):
    """`digest`: hex SHA-256 of the digest of the record before, a new line, and the canonical JSON of this one."""

    number: int
    at: datetime
    who: str
    action: str
    resource: str
    effect: str
    rule: str
    source: str
    about: dict[str, JsonValue]
    digest: str

    @classmethod
    def of(cls, record: AuditRecord) -> "DeedView":
        deed = record.deed
        told = {name: getattr(deed, name) for name in ("at", "who", "action", "resource", "effect", "rule", "source")}
        return cls(number=record.number, digest=record.digest, about=cast("dict[str, JsonValue]", _plain(deed.about)), **told)


class BreakView(View):
    """`at`: what the record says of its time; of one that is missing, what the next one says."""

    number: int
    at: datetime | None
    reason: str

    @classmethod
    def of(cls, broken: Break) -> "BreakView":
        return cls(number=broken.number, at=broken.at, reason=broken.reason)


class ChainView(View):
    """`whole`: all that was read fits together. `read`: how many records that was. `number` and `digest`: of the last one that fits; kept
    elsewhere they prove later that nothing up to there was changed. `more`: there is more to read, after `NUMBER:DIGEST`."""

    whole: bool
    read: int
    number: int
    digest: str
    more: bool
    broken: BreakView | None

    @classmethod
    def of(cls, checked: Checked, read: int, *, more: bool) -> "ChainView":
        broken = None if checked.broken is None else BreakView.of(checked.broken)
        return cls(whole=broken is None, read=read, number=checked.head.number, digest=checked.head.digest, more=more, broken=broken)


def _plain(value: Json) -> object:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
