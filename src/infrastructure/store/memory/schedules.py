"""Schedules and their firings, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import ScheduleNotFound
from domain.ids import RunId, ScheduleId, TenantId
from domain.ports.repositories import Page
from domain.schedule import Firing, FiringState, Schedule
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page

KEPT_FIRINGS = 1_000
LOOKED_BACK = 100


@dataclass(frozen=True, slots=True)
class MemorySchedules:
    book: Book

    async def add(self, schedule: Schedule) -> None:
        self.book.schedules.setdefault(schedule.id, schedule)

    async def get(self, tenant: TenantId, schedule: ScheduleId) -> Schedule:
        found = self.book.schedules.get(schedule)
        if found is None or found.tenant != tenant:
            raise ScheduleNotFound(f"there is no schedule {schedule}")
        return found

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[Schedule]:
        mine = (schedule for schedule in self.book.schedules.values() if schedule.tenant == tenant)
        return page(mine, lambda schedule: (schedule.created_at.isoformat(), schedule.id), limit, cursor, newest_first=True)

    async def change(self, changed: Schedule, firings: Sequence[Firing] = ()) -> bool:
        there = self.book.schedules.get(changed.id)
        if there is None or there.revision != changed.revision:
            return False
        self.book.schedules[changed.id] = replace(changed, revision=changed.revision + 1)
        kept = self.book.firings.setdefault(changed.id, {})
        for firing in firings:
            if firing.due not in kept or kept[firing.due].state.is_open:
                kept[firing.due] = firing
        for due in sorted(kept, reverse=True)[KEPT_FIRINGS:]:
            if not kept[due].state.is_open and not self._goes_on(kept[due].run):
                del kept[due]
        return True

    async def remove(self, tenant: TenantId, schedule: ScheduleId) -> None:
        await self.get(tenant, schedule)
        del self.book.schedules[schedule]
        self.book.firings.pop(schedule, None)

    async def firings(self, tenant: TenantId, schedule: ScheduleId, limit: int, cursor: str | None) -> Page[Firing]:
        there = self.book.schedules.get(schedule)
        mine = self.book.firings.get(schedule, {}).values() if there is not None and there.tenant == tenant else ()
        return page(mine, lambda firing: (firing.due.isoformat(timespec="microseconds"), ""), limit, cursor, newest_first=True)

    def _goes_on(self, run: RunId) -> bool:
        return run in self.book.line.places


@dataclass(frozen=True, slots=True)
class MemoryDueSchedules:
    book: Book

    async def next_wake(self) -> datetime | None:
        return min((at for schedule in self.book.schedules.values() if (at := schedule.wake_at) is not None), default=None)

    async def take(self, now: datetime, until: datetime, limit: int) -> Sequence[Schedule]:
        wanting = [(at, schedule) for schedule in self.book.schedules.values() if (at := schedule.wake_at) is not None and at <= now]
        taken = [
            replace(schedule, wake_at=until, revision=schedule.revision + 1) for _, schedule in sorted(wanting, key=lambda pair: pair[0])
        ]
        self.book.schedules |= {schedule.id: schedule for schedule in taken[:limit]}
        return taken[:limit]

    async def open_firings(self, schedule: Schedule) -> Sequence[Firing]:
        mine = self.book.firings.get(schedule.id, {}).values()
        return sorted((firing for firing in mine if firing.state.is_open), key=lambda firing: firing.due)

    async def unfinished(self, schedule: Schedule) -> Sequence[RunId]:
        started = [firing for firing in self.book.firings.get(schedule.id, {}).values() if firing.state is FiringState.STARTED]
        newest = sorted(started, key=lambda firing: firing.due)[-LOOKED_BACK:]
        return [firing.run for firing in newest if (run := self.book.runs.get(firing.run)) is not None and not run.status.is_final]
