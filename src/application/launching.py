"""Starting the run of a firing, the same one however often it is tried."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from application.once import digest_of
from application.run_orders import RunOrder
from application.runs import StartRun
from application.views import json_object
from domain.access import Principal, Role
from domain.due import NextTime, between, every
from domain.ids import RunId
from domain.ports.calendar import Calendar
from domain.ports.clock import Clock
from domain.ports.repositories import IdempotencyMark
from domain.schedule import Firing, FiringState, Schedule


def times_of(calendar: Calendar, schedule: Schedule) -> NextTime:
    """`ValidationError` for a cron expression or a zone that is none."""
    if schedule.cron is not None:
        next_time = calendar.cron(schedule.cron, schedule.time_zone)
    else:
        calendar.check_zone(schedule.time_zone)
        next_time = every(schedule.every_seconds or 1, schedule.anchor)
    return between(next_time, schedule.starts_at, schedule.ends_at)


def keeper_of(schedule: Schedule) -> Principal:
    """Who starts and cancels its runs."""
    return Principal(schedule.tenant, Role.OPERATOR, f"schedule:{schedule.title}")


@dataclass(frozen=True, slots=True)
class LaunchRun:
    """The mark's key has spaces, so none that came with a request is like it."""

    start: StartRun
    clock: Clock

    async def __call__(self, schedule: Schedule, firing: Firing) -> Firing:
        """Started. Raises what a start by hand would."""
        due = written(firing.due)
        order = RunOrder(
            workflow=schedule.workflow,
            input=json_object(schedule.input),
            metadata={**json_object(schedule.metadata), "schedule": schedule.id, "due": due},
            priority=schedule.priority,
        )
        mark = IdempotencyMark(f"schedule {schedule.id} {due}", digest_of("schedule", [schedule.id, due]), self.clock.now())
        started = await self.start.begin(keeper_of(schedule), order, mark, firing.run)
        return replace(firing, state=FiringState.STARTED, run=RunId(started.view.id), failure=None)


def written(at: datetime) -> str:
    """RFC 3339, as in every answer."""
    return at.isoformat().replace("+00:00", "Z")


def by_hand(now: datetime) -> datetime:
    """The due time of what somebody asks for now: never a whole second."""
    return now if now.microsecond else now + timedelta(microseconds=1)
