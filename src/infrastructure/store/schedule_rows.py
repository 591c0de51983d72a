"""Schedules and firings as rows, and back. Due times are microseconds since the epoch: each has one number."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from domain.errors import Failure
from domain.graph.flow import Priority
from domain.ids import RunId, ScheduleId, TenantId
from domain.schedule import Firing, FiringState, Overlap, Schedule
from infrastructure.store.codec import encode, plain
from infrastructure.store.rows import Row, moment, seconds

Values: TypeAlias = dict[str, Any]
"""By column."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT: Final = timedelta(microseconds=1)
_COLUMNS: Final = ("id", "tenant", "created_at", "wake_at", "due_at", "revision")
_TOLD: Final = tuple(field.name for field in fields(Schedule) if field.name not in _COLUMNS)


def instant(at: datetime) -> int:
    return (at - _EPOCH) // _INSTANT


def at_instant(number: int) -> datetime:
    return _EPOCH + number * _INSTANT


def schedule_row(schedule: Schedule) -> Values:
    told = {name: getattr(schedule, name) for name in _TOLD}
    times = {name: None if told[name] is None else instant(told[name]) for name in ("starts_at", "ends_at")}
    return {
        "id": schedule.id,
        "tenant": schedule.tenant,
        "created_at": seconds(schedule.created_at),
        "wake_at": None if schedule.wake_at is None else seconds(schedule.wake_at),
        "due_at": None if schedule.due_at is None else seconds(schedule.due_at),
        "revision": schedule.revision,
        "body": encode({**told, **times}),
    }


def schedule_of(row: Row) -> Schedule:
    identity, tenant, created_at, wake_at, due_at, revision, body = row
    told = plain(body)
    for name in ("starts_at", "ends_at"):
        told[name] = None if told[name] is None else at_instant(told[name])
    told["overlap"] = Overlap(told["overlap"])
    told["priority"] = None if told["priority"] is None else Priority(told["priority"])
    return Schedule(
        id=ScheduleId(identity),
        tenant=TenantId(tenant),
        created_at=moment(created_at),
        wake_at=None if wake_at is None else moment(wake_at),
        due_at=None if due_at is None else moment(due_at),
        revision=revision,
        **told,
    )


def firing_row(tenant: TenantId, firing: Firing) -> Values:
    failure = firing.failure
    return {
        "schedule": firing.schedule,
        "due": instant(firing.due),
        "tenant": tenant,
        "run": firing.run,
        "state": firing.state.value,
        "manual": firing.manual,
        "body": encode({} if failure is None else {"code": failure.code, "message": failure.message}),
    }


def firing_of(row: Row) -> Firing:
    schedule, due, _tenant, run, state, manual, body = row
    why = plain(body)
    return Firing(ScheduleId(schedule), at_instant(due), RunId(run), FiringState(state), Failure(**why) if why else None, bool(manual))
