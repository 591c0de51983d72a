"""What is asked for when a schedule is made or changed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict

from application.documents.flow import LONGEST_SECONDS
from application.run_orders import REFERENCE
from application.times import WrittenTime
from domain.graph.flow import Priority
from domain.ids import ScheduleId, TenantId
from domain.schedule import Overlap, Schedule

UNSAID: Final = ""
LONGEST_CATCH_UP: Final = 7 * 86_400
Workflow = Annotated[str, Field(strict=True, pattern=REFERENCE)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Cron = Annotated[str, Field(strict=True, max_length=200, pattern=r"^[ 0-9A-Za-z*,/#-]+$")]
Zone = Annotated[str, Field(strict=True, max_length=100, pattern=r"^[A-Za-z0-9_+/-]+$")]
Every = Annotated[int, Field(strict=True, ge=1, le=int(LONGEST_SECONDS))]
CatchUp = Annotated[int, Field(strict=True, ge=0, le=LONGEST_CATCH_UP)]
Moment = Annotated[WrittenTime, Field(ge=datetime(1970, 1, 2, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]


class ScheduleOrder(BaseModel):
    """`workflow`: `name` (its newest version each time) or `name@1.2.0`. Either `cron` (5 fields, or 6 with seconds first, by the clocks of
    `time_zone`) or `every_seconds`. What was due more than 30 seconds ago is missed, or caught up within `catch_up_seconds`, the newest
    100 at most."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Name | None = None
    workflow: Workflow
    input: dict[str, JsonValue] = Field(default_factory=dict)
    cron: Cron | None = None
    every_seconds: Every | None = None
    time_zone: Zone = "UTC"
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    overlap: Annotated[Overlap, Strict(False)] = Overlap.SKIP
    catch_up_seconds: CatchUp = 0
    paused: Annotated[bool, Field(strict=True)] = False
    priority: Annotated[Priority, Strict(False)] | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    def schedule(self, identity: ScheduleId, tenant: TenantId, now: datetime) -> Schedule:
        return Schedule(identity, tenant, now, **_members(self, set(type(self).model_fields)))


class SchedulePatch(BaseModel):
    """What is said changes; null takes away `name`, `starts_at`, `ends_at` or `priority`. `cron` and `every_seconds` replace each other.
    `paused`: false goes on with the next due time."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Name | None = None
    workflow: Workflow = UNSAID
    input: dict[str, JsonValue] = Field(default_factory=dict)
    cron: Cron = UNSAID
    every_seconds: Every = 1
    time_zone: Zone = "UTC"
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    overlap: Annotated[Overlap, Strict(False)] = Overlap.SKIP
    catch_up_seconds: CatchUp = 0
    paused: Annotated[bool, Field(strict=True)] = False
    priority: Annotated[Priority, Strict(False)] | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    def applied(self, schedule: Schedule) -> Schedule:
        """Of `cron` and `every_seconds` the one that is said stays; both said are left for the check to refuse."""
        members = _members(self, self.model_fields_set)
        if members.keys() & {"cron", "every_seconds"}:
            members = {"cron": None, "every_seconds": None, **members}
        changed = replace(schedule, **members)
        if "paused" not in members or changed.paused == schedule.paused:
            return changed
        return changed.pause("") if changed.paused else replace(changed, pause_reason="", failures=0)


class TimesOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)  # built at once: FastAPI takes it apart for its parameters

    next: Annotated[int, Field(ge=0, le=100)] = 5


def _members(order: BaseModel, names: set[str]) -> dict[str, Any]:
    """By name; moments in UTC."""
    told = {name: getattr(order, name) for name in names}
    return {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in told.items()}
