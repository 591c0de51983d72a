"""A thread's past for those who ask: what it held, what changed it, and how two of its moments differ."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from application.names import id_or
from application.past import Past
from application.past_views import DifferenceView, StateHistoryEntryView, StateView
from application.times import WrittenTime
from application.unrolling import Unrolled
from application.views import PageView
from domain.access import Principal, Role
from domain.change import Operation, difference
from domain.errors import ThreadNotFound
from domain.ids import Position, TenantId, ThreadId
from domain.ports.journal import Recorded
from domain.run.history import changes_of

ROWS_AT_ONCE: Final = 500
ROWS_LOOKED_AT: Final = 5_000
"""In one page, however few of them changed anything or were asked for."""
PAGE_BYTES: Final = 4 * 2**20
"""A page ends with the entry that reaches it."""

At = Annotated[int, Field(ge=0, le=2**63 - 1)]


class HistoryOrder(BaseModel):
    """Which entries: rows after the position `after`, from `since` on and before `until`, by this user, with an operation of this kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)  # built at once: FastAPI takes it apart for its parameters

    after: At = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    operation: Operation | None = None
    user: Annotated[str | None, Field(max_length=256)] = None
    since: WrittenTime | None = None
    until: WrittenTime | None = None

    def wants(self, entry: StateHistoryEntryView) -> bool:
        if self.operation not in (None, entry.operation, *(change.operation for change in entry.changes)):
            return False
        if self.user is not None and entry.user_id != self.user:
            return False
        return (self.since is None or entry.timestamp >= self.since) and (self.until is None or entry.timestamp < self.until)


@dataclass(frozen=True, slots=True)
class LookBack:
    """Whoever asks for a position that is not there yet gets `PositionNotFound`, for one that retention removed `PositionGone`."""

    past: Past

    async def state(self, who: Principal, thread: str, at: int | None = None) -> StateView:
        """After the row at `at`, or now."""
        tenant, name = _named(who, thread)
        return StateView.of(await self.past.at(tenant, name, None if at is None else Position(at)))

    async def difference(self, who: Principal, thread: str, start: int, end: int | None = None) -> DifferenceView:
        """Between any two positions, in either direction; without `end`, up to now."""
        tenant, name = _named(who, thread)
        old = await self.past.at(tenant, name, Position(start))
        new = await self.past.at(tenant, name, None if end is None else Position(end))
        return DifferenceView.of(name, old.position, new.position, difference(old.values, new.values))

    async def history(self, who: Principal, thread: str, order: HistoryOrder) -> PageView[StateHistoryEntryView]:
        """Oldest first. `next_cursor` is the next page's `after`; a page may be short, or empty, before the last."""
        tenant, name = _named(who, thread)
        page = _Page(order, await self.past.unrolled(tenant, name, Position(order.after)))
        while page.has_room:
            rows = await self.past.rows(tenant, name, page.unrolled.position, ROWS_AT_ONCE)
            for row in rows:
                if not page.has_room:
                    return page.view(more=True)
                await page.see(row)
            if len(rows) < ROWS_AT_ONCE:
                return page.view(more=False)
        return page.view(more=True)


@dataclass(slots=True)
class _Page:
    order: HistoryOrder
    unrolled: Unrolled
    entries: list[StateHistoryEntryView] = field(default_factory=list)
    looked_at: int = 0
    size: int = 0

    @property
    def has_room(self) -> bool:
        return len(self.entries) < self.order.limit and self.looked_at < ROWS_LOOKED_AT and self.size < PAGE_BYTES

    def view(self, *, more: bool) -> PageView[StateHistoryEntryView]:
        return PageView(items=self.entries, next_cursor=str(self.unrolled.position) if more else None)

    async def see(self, row: Recorded) -> None:
        before = self.unrolled.held
        event = await self.unrolled.follow(row)
        self.looked_at += 1
        changes = changes_of(event, before, self.unrolled.held)
        if not changes:
            return
        entry = StateHistoryEntryView.of(self.unrolled.thread, row, event, changes)
        if self.order.wants(entry):
            self.entries.append(entry)
            self.size += len(entry.model_dump_json())


def _named(who: Principal, thread: str) -> tuple[TenantId, ThreadId]:
    who.must_be(Role.VIEWER)
    return who.tenant, ThreadId(id_or(ThreadNotFound, thread))
