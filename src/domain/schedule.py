"""Schedules: what starts runs by itself, and what came of each time it was due."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from domain.errors import Failure
from domain.graph.flow import Priority
from domain.ids import RunId, ScheduleId, TenantId
from domain.json import JsonObject

MOST_FAILURES: Final = 10
"""So many starts in a row may fail, before a schedule pauses itself."""


class Overlap(StrEnum):
    """What a firing does while a run of an earlier one is unfinished. `queue_one`: one waits for its end, further ones are skipped."""

    SKIP = "skip"
    ALLOW = "allow"
    QUEUE_ONE = "queue_one"
    CANCEL_PREVIOUS = "cancel_previous"


class FiringState(StrEnum):
    """`due`: being started. `waiting`: for the run before it. `missed`: nobody was there in time. The last four are final."""

    DUE = "due"
    WAITING = "waiting"
    STARTED = "started"
    SKIPPED = "skipped"
    MISSED = "missed"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        return self in (FiringState.DUE, FiringState.WAITING)


@dataclass(frozen=True, slots=True)
class Firing:
    """One due time of a schedule. `run`: the run it started, and before that the id which its run will have.

    A scheduled due time is a whole second; one that somebody asked for by hand (`manual`) never is, so the two cannot meet.
    """

    schedule: ScheduleId
    due: datetime
    run: RunId
    state: FiringState = FiringState.DUE
    failure: Failure | None = None
    """Why it was skipped, missed or failed."""
    manual: bool = False

    def ended(self, state: FiringState, code: str, why: str) -> "Firing":
        return replace(self, state=state, failure=Failure(code, why))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Either `cron` or `every_seconds` says when. `due_at`: the next due time; None: none will come, or it is paused.

    `wake_at`: when somebody must look at it again; whoever does holds it until then. `revision` grows with every change.
    """

    id: ScheduleId
    tenant: TenantId
    created_at: datetime
    workflow: str
    name: str | None = None
    input: JsonObject = field(default_factory=dict)
    cron: str | None = None
    every_seconds: int | None = None
    time_zone: str = "UTC"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    overlap: Overlap = Overlap.SKIP
    catch_up_seconds: int = 0
    priority: Priority | None = None
    metadata: JsonObject = field(default_factory=dict)
    paused: bool = False
    pause_reason: str = ""
    failures: int = 0
    """Starts that failed in a row."""
    due_at: datetime | None = None
    wake_at: datetime | None = None
    revision: int = 0

    @property
    def title(self) -> str:
        return self.name or self.id

    @property
    def anchor(self) -> datetime:
        """What `every_seconds` counts from; a whole second."""
        return (self.starts_at or self.created_at).replace(microsecond=0)

    def pause(self, reason: str) -> "Schedule":
        return replace(self, paused=True, pause_reason=reason, due_at=None)

    def told(self, firings: tuple[Firing, ...]) -> "Schedule":
        """After these firings were tried. Too many failures in a row pause it."""
        failures = self.failures
        for firing in firings:
            failures = failures + 1 if firing.state is FiringState.FAILED else 0 if firing.state is FiringState.STARTED else failures
        after = replace(self, failures=failures)
        if failures < MOST_FAILURES or self.paused:
            return after
        last = next(firing.failure for firing in reversed(firings) if firing.state is FiringState.FAILED)
        return after.pause(f"{failures} starts in a row failed, the last one with: {last.message if last else ''}")


class Act(StrEnum):
    START = "start"
    CANCEL_AND_START = "cancel_and_start"
    WAIT = "wait"
    SKIP = "skip"


def act_for(overlap: Overlap, *, is_busy: bool, has_waiting: bool) -> Act:
    """What a firing does. `is_busy`: a run of an earlier one is unfinished; `has_waiting`: an earlier one waits for that."""
    match overlap:
        case Overlap.ALLOW:
            return Act.START
        case Overlap.SKIP:
            return Act.SKIP if is_busy else Act.START
        case Overlap.CANCEL_PREVIOUS:
            return Act.CANCEL_AND_START if is_busy else Act.START
        case Overlap.QUEUE_ONE:
            return Act.SKIP if has_waiting else Act.WAIT if is_busy else Act.START
        case _:
            assert_never(overlap)


def wrong_with(schedule: Schedule) -> Iterator[tuple[str, str]]:
    """Member and sentence for each of its members that do not go together."""
    if (schedule.cron is None) == (schedule.every_seconds is None):
        yield "cron", "say when: either `cron` or `every_seconds`"
    if schedule.starts_at is not None and schedule.ends_at is not None and schedule.ends_at < schedule.starts_at:
        yield "ends_at", "it ends before it starts"
