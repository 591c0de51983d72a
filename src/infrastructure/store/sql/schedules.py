"""Schedules and what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ScheduleNotFound, ValidationError
from domain.ids import ScheduleId, TenantId
from domain.ports.repositories import Page
from domain.schedule import Firing, FiringState, Schedule
from infrastructure.store.cursor import unpack
from infrastructure.store.schedule_rows import firing_of, firing_row, schedule_of, schedule_row
from infrastructure.store.schedule_tables import firings, schedules
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import newest_first, page
from infrastructure.store.tables import queue

KEPT_FIRINGS: Final = 1_000
_DIGITS: Final = 18
OPEN: Final = tuple(state.value for state in FiringState if state.is_open)


@dataclass(frozen=True, slots=True)
class KeptSchedules:
    database: Database

    async def add(self, schedule: Schedule) -> None:
        await self.database.change(self.database.insert(schedules).values(schedule_row(schedule)).on_conflict_do_nothing())

    async def get(self, tenant: TenantId, schedule: ScheduleId) -> Schedule:
        rows = await self.database.rows(select(schedules).where(schedules.c.id == schedule, schedules.c.tenant == tenant))
        if not rows:
            raise no_schedule(schedule)
        return schedule_of(rows[0])

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[Schedule]:
        mine = select(schedules).where(schedules.c.tenant == tenant)
        rows = await self.database.rows(newest_first(mine, schedules.c.created_at, schedules.c.id, limit, cursor))
        return page(rows, limit, schedule_of, lambda row: (repr(row[2]), row[0]))

    async def change(self, changed: Schedule, firings: Sequence[Firing] = ()) -> bool:
        values = {**schedule_row(changed), "revision": changed.revision + 1}
        standing = update(schedules).where(schedules.c.id == changed.id, schedules.c.revision == changed.revision).values(values)
        async with self.database.transaction() as connection:
            if not (await connection.execute(standing)).rowcount:
                return False
            if firings:
                await self._keep(connection, changed, firings)
            return True

    async def remove(self, tenant: TenantId, schedule: ScheduleId) -> None:
        async with self.database.transaction() as connection:
            gone = await connection.execute(delete(schedules).where(schedules.c.id == schedule, schedules.c.tenant == tenant))
            if not gone.rowcount:
                raise no_schedule(schedule)
            await connection.execute(delete(firings).where(firings.c.schedule == schedule))

    async def firings(self, tenant: TenantId, schedule: ScheduleId, limit: int, cursor: str | None) -> Page[Firing]:
        mine = select(firings).where(firings.c.schedule == schedule, firings.c.tenant == tenant)
        if cursor is not None:
            mine = mine.where(firings.c.due < _number(unpack(cursor, 1)[0]))
        rows = await self.database.rows(mine.order_by(firings.c.due.desc()).limit(limit + 1))
        return page(rows, limit, firing_of, lambda row: (row[1],))

    async def _keep(self, connection: AsyncConnection, schedule: Schedule, tried: Sequence[Firing]) -> None:
        new = self.database.insert(firings).values([firing_row(schedule.tenant, firing) for firing in tried])
        told = {name: new.excluded[name] for name in ("run", "state", "body")}
        await connection.execute(new.on_conflict_do_update(index_elements=["schedule", "due"], set_=told, where=firings.c.state.in_(OPEN)))
        mine = firings.c.schedule == schedule.id
        oldest = select(firings.c.due).where(mine).order_by(firings.c.due.desc()).offset(KEPT_FIRINGS).limit(1).scalar_subquery()
        goes_on = select(queue.c.run).where(queue.c.run == firings.c.run).exists()
        await connection.execute(delete(firings).where(mine, firings.c.due <= oldest, firings.c.state.not_in(OPEN), ~goes_on))


def no_schedule(schedule: ScheduleId) -> ScheduleNotFound:
    return ScheduleNotFound(f"there is no schedule {schedule}")


def _number(text: str) -> int:
    if not text.isascii() or not text.lstrip("-").isdigit() or len(text) > _DIGITS:
        raise ValidationError("this cursor is not one that this list gave out: leave it away to start from the first page")
    return int(text)
