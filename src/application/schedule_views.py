"""Schedules and firings, as readers get them."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import JsonValue

from application.views import View, json_object
from domain.graph.flow import Priority
from domain.schedule import Firing, FiringState, Overlap, Schedule


class ScheduleView(View):
    """`next`: its next due times; none while it is paused or when it has ended. `failures`: starts that failed in a row; after 10 it
    pauses itself, and `pause_reason` says why."""

    id: str
    name: str | None
    workflow: str
    input: dict[str, JsonValue]
    cron: str | None
    every_seconds: int | None
    time_zone: str
    starts_at: datetime | None
    ends_at: datetime | None
    overlap: Overlap
    catch_up_seconds: int
    priority: Priority | None
    metadata: dict[str, JsonValue]
    created_at: datetime
    paused: bool
    pause_reason: str
    failures: int
    next: list[datetime]

    @classmethod
    def of(cls, schedule: Schedule, next_times: Sequence[datetime]) -> "ScheduleView":
        told = {name: getattr(schedule, name) for name in cls.model_fields if name not in ("next", "input", "metadata")}
        return cls(**told, input=json_object(schedule.input), metadata=json_object(schedule.metadata), next=list(next_times))


class ReasonView(View):
    code: str
    message: str


class FiringView(View):
    """`run_id`: the run that it started, or that its start came to by its workflow's `flow`. `manual`: somebody asked for it."""

    due: datetime
    state: FiringState
    run_id: str | None
    reason: ReasonView | None
    manual: bool

    @classmethod
    def of(cls, firing: Firing) -> "FiringView":
        why = None if firing.failure is None else ReasonView(code=firing.failure.code, message=firing.failure.message)
        run = firing.run if firing.state is FiringState.STARTED else None
        return cls(due=firing.due, state=firing.state, run_id=run, reason=why, manual=firing.manual)
