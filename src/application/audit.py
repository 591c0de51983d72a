"""The audit trail: look at it, and see whether anybody has tampered with it."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.audit_views import AuditListOrder, ChainView, DeedView
from application.paging import shown
from application.views import PageView
from domain.access import Principal, Role
from domain.audit import START, Break, Checked, Head, KeptRecord, ends_at, verify
from domain.ids import TenantId
from domain.ports.audit import AuditRecords

__all__ = ["AuditDesk", "Head", "Tell"]

PORTION: Final = 500
"""So many records are read at once."""
LOWEST: Final = -(2**63)
"""No number is lower."""

Tell = Callable[[int, int], None]
"""Hears how many records were read, and how many there are."""


def unheard(read: int, of: int) -> None:
    """For those whom nobody watches."""


@dataclass(frozen=True, slots=True)
class AuditDesk:
    records: AuditRecords

    async def list(self, who: Principal, order: AuditListOrder) -> PageView[DeedView]:
        """Newest first."""
        who.must_be(Role.ADMIN)
        return shown(await self.records.list(who.tenant, order.wanted(), order.limit, order.cursor), DeedView.of)

    async def verify(
        self, who: Principal, start: Head = START, limit: int | None = None, kept: Head | None = None, tell: Tell = unheard
    ) -> ChainView:
        """Read the chain from behind `start` on, up to where it ended when this began. `kept`: a record behind `start` as somebody has kept
        its number and digest elsewhere: with them a chain that was rewritten or cut short shows too."""
        who.must_be(Role.ADMIN)
        end = await self.records.head(who.tenant)
        last = end.number if limit is None else min(end.number, start.number + limit)
        checked = await self._begun(who.tenant, start)
        async for portion in self._portions(who.tenant, start.number, last):
            if checked.broken is not None:
                break
            checked = _matching(verify(portion, checked.head), kept, portion)
            tell(checked.head.number - start.number, end.number - start.number)
        if last == end.number:
            checked = _reaching(await self._ended(who.tenant, checked, end), kept)
        return ChainView.of(checked, checked.head.number - start.number, more=checked.broken is None and last < end.number)

    async def _begun(self, tenant: TenantId, start: Head) -> Checked:
        """Nothing may stand before the first record."""
        first = await self.records.read(tenant, LOWEST, 1) if start == START else ()
        if not first or first[0].record.number > START.number:
            return Checked(start)
        forged = first[0].record
        return Checked(start, Break(forged.number, forged.deed.at, "it stands before the beginning of the chain, which is 1"))

    async def _portions(self, tenant: TenantId, after: int, last: int) -> AsyncIterator[Sequence[KeptRecord]]:
        while after < last:
            portion = await self.records.read(tenant, after, min(PORTION, last - after))
            if not portion:
                return
            yield portion
            after = portion[-1].record.number

    async def _ended(self, tenant: TenantId, checked: Checked, end: Head) -> Checked:
        """Nothing may be missing before the end, and nothing may stand behind it."""
        checked = ends_at(checked, end)
        for beyond in () if checked.broken is not None else await self.records.read(tenant, end.number, 1):
            now = await self.records.head(tenant)  # which has moved, when somebody has appended meanwhile
            if now.number < beyond.record.number:
                reason = f"it stands behind the end of the chain, which is {now.number}"
                return replace(checked, broken=Break(beyond.record.number, beyond.record.deed.at, reason))
        return checked


def _matching(checked: Checked, kept: Head | None, portion: Sequence[KeptRecord]) -> Checked:
    """Is the record that somebody has kept the digest of still the same?"""
    if kept is None or not portion[0].record.number <= kept.number <= checked.head.number:
        return checked
    found = portion[kept.number - portion[0].record.number].record
    if found.digest == kept.digest:
        return checked
    reason = "it has another digest than the one that was kept: it, or something before it, was changed, and all digests since"
    return Checked(checked.head, Break(found.number, found.deed.at, reason))


def _reaching(checked: Checked, kept: Head | None) -> Checked:
    if checked.broken is not None or kept is None or kept.number <= checked.head.number:
        return checked
    reason = f"it is missing: record {kept.number} was there when its digest was kept"
    return replace(checked, broken=Break(checked.head.number + 1, None, reason))
