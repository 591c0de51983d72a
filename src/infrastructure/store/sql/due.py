"""Schedules that want to be looked at, for those who start their runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update

from domain.ids import RunId
from domain.run.run import FINAL
from domain.schedule import Firing, FiringState, Schedule
from infrastructure.store.rows import moment, seconds
from infrastructure.store.schedule_rows import firing_of, schedule_of
from infrastructure.store.schedule_tables import firings, schedules
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.schedules import OPEN
from infrastructure.store.tables import runs

LOOKED_BACK: Final = 100


@dataclass(frozen=True, slots=True)
class KeptDueSchedules:
    database: Database

    async def next_wake(self) -> datetime | None:
        ((wake_at,),) = await self.database.rows(select(func.min(schedules.c.wake_at)))
        return None if wake_at is None else moment(wake_at)

    async def take(self, now: datetime, until: datetime, limit: int) -> Sequence[Schedule]:
        """On PostgreSQL others' rows are passed over; SQLite lets in one at a time."""
        wants = schedules.c.wake_at <= seconds(now)
        chosen = select(schedules.c.id).where(wants).order_by(schedules.c.wake_at).limit(limit).with_for_update(skip_locked=True).cte()
        values = {"wake_at": seconds(until), "revision": schedules.c.revision + 1}
        taken = update(schedules).where(schedules.c.id.in_(select(chosen.c.id)), wants).values(values).returning(*schedules.c)
        return [schedule_of(row) for row in await self.database.rows(taken)]

    async def open_firings(self, schedule: Schedule) -> Sequence[Firing]:
        mine = select(firings).where(firings.c.schedule == schedule.id, firings.c.state.in_(OPEN)).order_by(firings.c.due)
        return [firing_of(row) for row in await self.database.rows(mine)]

    async def unfinished(self, schedule: Schedule) -> Sequence[RunId]:
        started = (firings.c.schedule == schedule.id) & (firings.c.state == FiringState.STARTED.value)
        newest = select(firings.c.run, firings.c.due).where(started).order_by(firings.c.due.desc()).limit(LOOKED_BACK).subquery()
        going = (
            select(newest.c.run)
            .join(runs, runs.c.id == newest.c.run)
            .where(runs.c.status.not_in([status.value for status in FINAL]))
            .order_by(newest.c.due)
        )
        return [RunId(row[0]) for row in await self.database.rows(going)]
