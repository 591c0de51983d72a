"""What is asked for about snapshots: one to be taken now, and those that a run takes by itself."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict, model_validator

from application.paging import PageOrder
from application.times import WrittenTime
from domain.errors import Problem, ValidationError
from domain.snapshot import CheckpointType, SnapshotPolicy

LONGEST_SECONDS: Final = 100 * 366 * 86_400
_TRIGGERS: Final = (CheckpointType.BEFORE_TOOL, CheckpointType.AFTER_NODE, CheckpointType.ERROR)
Seconds = Annotated[float, Field(strict=True, gt=0, le=LONGEST_SECONDS, allow_inf_nan=False)]
At = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
"""A position."""
Tag = Annotated[str, Field(strict=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")]


class SnapshotsOrder(BaseModel):
    """`automatic_every`: after so many rows of the run, and at its end. `at`: before a `tool` node starts, after a node of the workflow
    itself finished, when a node failed for good. A list is short for `at` alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    automatic_every: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    at: Annotated[list[Annotated[CheckpointType, Strict(False)]], Field(max_length=3)] = Field(default_factory=list)
    expires_in_seconds: Seconds | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_a_list(cls, given: object) -> object:
        return {"at": given} if isinstance(given, list) else given

    @model_validator(mode="after")
    def _knows_its_triggers(self) -> "SnapshotsOrder":
        if strange := [trigger.value for trigger in self.at if trigger not in _TRIGGERS]:
            raise ValueError(f"{', '.join(strange)}: only {', '.join(trigger.value for trigger in _TRIGGERS)} can stand in `at`")
        return self

    def policy(self) -> SnapshotPolicy:
        return SnapshotPolicy(self.automatic_every or 0, tuple(dict.fromkeys(self.at)), self.expires_in_seconds)


class SnapshotOrder(BaseModel):
    """Of the thread as it is now, or as it was `at` a position. It is kept for ever, for so many seconds, or until a time."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
    description: Annotated[str, Field(strict=True, max_length=2000, pattern=r"^[^\x00]*$")] = ""
    tags: Annotated[list[Tag], Field(max_length=50)] = Field(default_factory=list)
    at: At | None = None
    expires_in_seconds: Seconds | None = None
    expires_at: WrittenTime | None = None

    @model_validator(mode="after")
    def _expires_once(self) -> "SnapshotOrder":
        if self.expires_in_seconds is not None and self.expires_at is not None:
            raise ValueError("say `expires_in_seconds` or `expires_at`, not both")
        return self

    def end(self, now: datetime) -> datetime | None:
        if self.expires_at is not None and self.expires_at <= now:
            raise ValidationError("it would be expired at once", [Problem("/expires_at", "in_the_past", f"it is {now.isoformat()} now")])
        return self.expires_at if self.expires_in_seconds is None else now + timedelta(seconds=self.expires_in_seconds)


class SnapshotListOrder(PageOrder):
    tag: Annotated[str | None, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")] = None
    type: CheckpointType | None = None


class SnapshotBranchOrder(BaseModel):
    """What the new thread is called: as the snapshot, if nothing is said."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Annotated[str, Field(strict=True, max_length=2000, pattern=r"^[^\x00]*$")] | None = None
    description: Annotated[str, Field(strict=True, max_length=2000, pattern=r"^[^\x00]*$")] | None = None
    labels: dict[str, JsonValue] = Field(default_factory=dict)
