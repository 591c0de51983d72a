"""Starting what schedules are due for. Of several processes one at a time has a schedule in hand; whoever comes after one that died
finishes what that one began."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from application.launching import LaunchRun, keeper_of, times_of
from application.runs import CancelOrder, CancelRun
from domain.due import plan
from domain.errors import DatabaseError, InfrastructureError, RunNotFound, ValidationError, WeftError
from domain.ids import NewId, RunId
from domain.ports.calendar import Calendar
from domain.ports.clock import Clock
from domain.ports.repositories import Runs
from domain.ports.schedules import DueSchedules, Schedules
from domain.schedule import Act, Firing, FiringState, Overlap, Schedule, act_for

log = structlog.get_logger("application.firing")
HOLD = timedelta(seconds=10)
"""So long nobody else looks at a schedule that was taken."""
BATCH = 20
IDLE_SECONDS = 1.0
"""How often somebody looks for schedules that are new, or for the end of a run that a firing waits for."""
TAKEN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class FireSchedules:
    """A chore."""

    schedules: Schedules
    due: DueSchedules
    runs: Runs
    launch: LaunchRun
    cancel: CancelRun
    calendar: Calendar
    new_id: NewId
    clock: Clock
    name: str = "schedules"

    async def turn(self) -> float:
        now = self.clock.now()
        wake_at = await self.due.next_wake()
        if wake_at is None or wake_at > now:
            return IDLE_SECONDS if wake_at is None else min(IDLE_SECONDS, (wake_at - now).total_seconds())
        taken = await self.due.take(now, now + HOLD, BATCH)
        for schedule in taken:
            await self._look_after(schedule)
        return 0.0 if taken else TAKEN_SECONDS

    async def _look_after(self, schedule: Schedule) -> None:
        """What goes wrong with one does not keep the others waiting; it is tried again when its time in hand is over."""
        try:
            await self._fire(schedule)
        except DatabaseError:
            raise
        except Exception as error:
            log.error("a schedule could not be looked after", schedule=schedule.id, exc_info=error)

    async def _fire(self, schedule: Schedule) -> None:
        """What is due is written down before anything is started: so a due time is one firing, and a firing one run."""
        begun = await self.due.open_firings(schedule)
        planned, new = self._planned(schedule)
        if new:
            if not await self.schedules.change(planned, new):
                return
            planned = replace(planned, revision=planned.revision + 1)
        tried = await self._tried(planned, [*begun, *(firing for firing in new if firing.state.is_open)])
        told = planned.told(tried)
        if told.paused and not planned.paused:
            log.warning("a schedule paused itself", schedule=told.id, reason=told.pause_reason)
        await self.schedules.change(replace(told, wake_at=self._wake_at(told, tried)), tried)

    def _planned(self, schedule: Schedule) -> tuple[Schedule, list[Firing]]:
        now = self.clock.now()
        if schedule.due_at is None or schedule.due_at > now:
            return schedule, []
        try:
            todo = plan(schedule.due_at, now, timedelta(seconds=schedule.catch_up_seconds), times_of(self.calendar, schedule))
        except ValidationError as error:  # a zone that this machine does not know any more
            return schedule.pause(error.message), []
        due = [Firing(schedule.id, at, RunId(self.new_id())) for at in todo.due]
        return replace(schedule, due_at=todo.then), [*self._missed(schedule, todo.missed, todo.due), *due]

    def _missed(self, schedule: Schedule, at: datetime | None, due: Sequence[datetime]) -> list[Firing]:
        """One for all of them."""
        if at is None:
            return []
        until = f" The first one after it that counts is that of {due[0].isoformat()}." if due else ""
        why = f"no worker was there in time, and it is not caught up, as any other before now.{until}"
        return [Firing(schedule.id, at, RunId(self.new_id())).ended(FiringState.MISSED, "missed", why)]

    async def _tried(self, schedule: Schedule, open_firings: Sequence[Firing]) -> tuple[Firing, ...]:
        """Each of them once, oldest first."""
        tried: list[Firing] = []
        going = [] if schedule.overlap is Overlap.ALLOW or not open_firings else [*await self.due.unfinished(schedule)]
        for firing in open_firings:
            has_waiting = any(other.state is FiringState.WAITING for other in tried)
            tried.append(await self._try(schedule, firing, going, has_waiting))
            if tried[-1].state is FiringState.STARTED:
                going.append(tried[-1].run)
        return tuple(tried)

    async def _try(self, schedule: Schedule, firing: Firing, going: list[RunId], has_waiting: bool) -> Firing:
        if await self._was_started(schedule, firing):
            return replace(firing, state=FiringState.STARTED)
        if schedule.paused:
            return firing.ended(FiringState.SKIPPED, "paused", "the schedule was paused")
        act = act_for(schedule.overlap, is_busy=bool(going), has_waiting=has_waiting)
        if act is Act.WAIT:
            return replace(firing, state=FiringState.WAITING)
        if act is Act.SKIP:
            return firing.ended(FiringState.SKIPPED, "overlap", f"{going[-1] if going else 'another firing'} was still going on")
        if act is Act.CANCEL_AND_START:
            await self._stop(schedule, going)
        return await self._start(schedule, firing)

    async def _was_started(self, schedule: Schedule, firing: Firing) -> bool:
        """By somebody who did not come to write it down."""
        try:
            await self.runs.get(schedule.tenant, firing.run)
        except RunNotFound:
            return False
        return True

    async def _stop(self, schedule: Schedule, going: list[RunId]) -> None:
        while going:
            await self.cancel(keeper_of(schedule), going.pop(0), CancelOrder(reason="the next run of its schedule is due"))

    async def _start(self, schedule: Schedule, firing: Firing) -> Firing:
        try:
            return await self.launch(schedule, firing)
        except WeftError as error:
            if isinstance(error, InfrastructureError) and error.retryable:
                raise
            log.warning("a schedule could not start its run", schedule=schedule.id, due=firing.due.isoformat(), reason=error.message)
            return firing.ended(FiringState.FAILED, error.code, _sentence(error))

    def _wake_at(self, schedule: Schedule, tried: Sequence[Firing]) -> datetime | None:
        if not any(firing.state is FiringState.WAITING for firing in tried):
            return schedule.due_at
        soon = self.clock.now() + timedelta(seconds=IDLE_SECONDS)
        return soon if schedule.due_at is None else min(soon, schedule.due_at)


def _sentence(error: WeftError) -> str:
    problems = error.problems if isinstance(error, ValidationError) else ()
    return "; ".join([error.message, *(f"{problem.pointer}: {problem.message}" for problem in problems[:3])])[:2000]
