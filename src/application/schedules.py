"""Schedules: make them, look at them, change them, fire one by hand."""

from dataclasses import dataclass, replace
from datetime import datetime

from application.errors import Problem, ValidationError
from application.launching import LaunchRun, by_hand, times_of
from application.names import id_or
from application.once import Once, digest_of
from application.paging import PageOrder, shown
from application.run_orders import misfits
from application.schedule_orders import ScheduleOrder, SchedulePatch
from application.schedule_views import FiringView, ScheduleView
from application.views import PageView
from domain.access import Principal, Role
from domain.due import NextTime, first_times
from domain.errors import ScheduleNotFound
from domain.ids import NewId, RunId, ScheduleId
from domain.ports.calendar import Calendar
from domain.ports.clock import Clock
from domain.ports.schedules import Schedules
from domain.schedule import Firing, Schedule, wrong_with

_WHEN = ("cron", "every_seconds", "time_zone", "starts_at", "ends_at")


@dataclass(frozen=True, slots=True)
class ScheduleDesk:
    schedules: Schedules
    launch: LaunchRun
    calendar: Calendar
    once: Once
    new_id: NewId
    clock: Clock

    async def create(self, who: Principal, order: ScheduleOrder, key: str | None = None) -> ScheduleView:
        """Everything that can be wrong with it is said now: its times, its workflow, its input."""
        who.must_be(Role.OPERATOR)
        now = self.clock.now()
        schedule = order.schedule(ScheduleId(self.new_id()), who.tenant, now)
        first = self._first_time(schedule, now)
        await self._check_start(schedule)
        if key is not None:
            named = await self.once.named(who, key, digest_of("schedule order", order.model_dump(mode="json")), schedule.id)
            schedule = replace(schedule, id=ScheduleId(named))
        due_at = None if schedule.paused else first
        await self.schedules.add(replace(schedule, due_at=due_at, wake_at=due_at))
        return await self.get(who, schedule.id)

    async def get(self, who: Principal, schedule: str, count: int = 5) -> ScheduleView:
        """With so many of its next due times."""
        who.must_be(Role.VIEWER)
        found = await self._find(who, schedule)
        return ScheduleView.of(found, self._next_times(found, count))

    async def list(self, who: Principal, order: PageOrder) -> PageView[ScheduleView]:
        """Newest first, each with its next due time."""
        who.must_be(Role.VIEWER)
        page = await self.schedules.list(who.tenant, order.limit, order.cursor)
        return shown(page, lambda found: ScheduleView.of(found, () if found.due_at is None else (found.due_at,)))

    async def change(self, who: Principal, schedule: str, patch: SchedulePatch) -> ScheduleView:
        """What is due anew counts from now; what was due while it was paused is not caught up."""
        who.must_be(Role.OPERATOR)
        while True:
            found, now = await self._find(who, schedule), self.clock.now()
            changed = patch.applied(found)
            if any(getattr(found, name) != getattr(changed, name) for name in (*_WHEN, "paused")):
                first = self._first_time(changed, now)
                changed = replace(changed, due_at=None if changed.paused else first)
            if (found.workflow, found.input) != (changed.workflow, changed.input):
                await self._check_start(changed)
            if await self.schedules.change(replace(changed, wake_at=now)):
                return await self.get(who, schedule)

    async def remove(self, who: Principal, schedule: str) -> None:
        """Its runs go on."""
        who.must_be(Role.OPERATOR)
        await self.schedules.remove(who.tenant, ScheduleId(id_or(ScheduleNotFound, schedule)))

    async def trigger(self, who: Principal, schedule: str, key: str | None = None) -> FiringView:
        """Start a run of it now, whatever else goes on, also of one that is paused. With a key it is one run, however often it is asked."""
        who.must_be(Role.OPERATOR)
        found = await self._find(who, schedule)
        name = f"{by_hand(self.clock.now()).isoformat()} {self.new_id()}"
        if key is not None:
            name = await self.once.named(who, key, digest_of("trigger", found.id), name)
        due, _, run = name.partition(" ")
        started = await self.launch(found, Firing(found.id, datetime.fromisoformat(due), RunId(run), manual=True))
        while not await self.schedules.change(found, [started]):
            found = await self._find(who, schedule)
        return FiringView.of(started)

    async def firings(self, who: Principal, schedule: str, order: PageOrder) -> PageView[FiringView]:
        """Newest due time first."""
        who.must_be(Role.VIEWER)
        found = await self._find(who, schedule)
        return shown(await self.schedules.firings(who.tenant, found.id, order.limit, order.cursor), FiringView.of)

    async def _find(self, who: Principal, schedule: str) -> Schedule:
        return await self.schedules.get(who.tenant, ScheduleId(id_or(ScheduleNotFound, schedule)))

    def _next_times(self, schedule: Schedule, count: int) -> tuple[datetime, ...]:
        return () if schedule.due_at is None else first_times(self._times(schedule), self.clock.now(), count)

    def _times(self, schedule: Schedule) -> NextTime:
        return times_of(self.calendar, schedule)

    def _first_time(self, schedule: Schedule, now: datetime) -> datetime | None:
        if problems := [Problem(f"/{member}", "bad_schedule", sentence) for member, sentence in wrong_with(schedule)]:
            raise ValidationError("the schedule does not fit together: see `problems`", problems)
        first = self._times(schedule)(now)
        if first is None and not schedule.paused:
            at = "/ends_at" if schedule.ends_at is not None else "/cron"
            raise ValidationError("the schedule is never due", [Problem(at, "never_due", "there is no such time from now on")])
        return first

    async def _check_start(self, schedule: Schedule) -> None:
        """`WorkflowNotFound`, or a `ValidationError` when its input does not fit."""
        start = self.launch.start
        version, _ = await start.find(schedule.tenant, schedule.workflow)
        if problems := list(misfits(start.schemas, version.graph, {**schedule.input})):
            raise ValidationError(f"the input does not fit {version.graph.id}: see `problems`", problems)
