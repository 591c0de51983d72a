"""A line of state that outlives runs. It has exactly one journal, one lease and one epoch."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.graph.flow import Priority
from domain.ids import BEGINNING, Position, SessionId, TenantId, ThreadId
from domain.json import JsonObject
from domain.run.run import RunStatus


class ThreadType(StrEnum):
    """`main`: a line of its own. `branch`: shares its parent's past up to a position. `parallel`: beside its siblings. `sequential`: its
    runs wait for those of its elder siblings."""

    MAIN = "main"
    BRANCH = "branch"
    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"


class OnFailure(StrEnum):
    """What becomes of what the parallel siblings of a thread have unfinished when a run of it fails. `collect`: it goes on; `fail_fast`: it
    is cancelled."""

    COLLECT = "collect"
    FAIL_FAST = "fail_fast"


class ThreadState(StrEnum):
    """What the first of a thread's unfinished runs does; without one, how its last run ended (a cancelled one: `completed`), and `pending`
    where there has been none."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"

    @classmethod
    def of(cls, status: RunStatus | None) -> "ThreadState":
        """`status`: of the run that counts."""
        return cls.PENDING if status is None else _STATES[status]

    @classmethod
    def together(cls, states: Iterable["ThreadState"]) -> "ThreadState":
        """Of several threads: what some still do, else how they ended; `pending` where there are none."""
        there = frozenset(states)
        return next((state for state in _WEIGHTIEST if state in there), cls.PENDING)

    @property
    def statuses(self) -> frozenset[RunStatus]:
        """Of the run that counts."""
        return frozenset(status for status, state in _STATES.items() if state is self)


_STATES = {
    RunStatus.QUEUED: ThreadState.PENDING,
    RunStatus.RUNNING: ThreadState.RUNNING,
    RunStatus.PARKED: ThreadState.PAUSED,
    RunStatus.COMPLETED: ThreadState.COMPLETED,
    RunStatus.CANCELLED: ThreadState.COMPLETED,
    RunStatus.FAILED: ThreadState.FAILED,
}
_WEIGHTIEST = (ThreadState.RUNNING, ThreadState.PAUSED, ThreadState.PENDING, ThreadState.FAILED, ThreadState.COMPLETED)


@dataclass(frozen=True, slots=True)
class ThreadMetadata:
    """`priority`: of runs on it that say none. `on_failure`: of a parallel thread."""

    name: str | None = None
    description: str | None = None
    priority: Priority | None = None
    on_failure: OnFailure = OnFailure.COLLECT


@dataclass(frozen=True, slots=True)
class Thread:
    """`parent_position`: of a branch, the last row of its parent that is its own past; its first row has the next number."""

    id: ThreadId
    tenant: TenantId
    created_at: datetime
    thread_type: ThreadType = ThreadType.MAIN
    metadata: ThreadMetadata = field(default_factory=ThreadMetadata)
    labels: JsonObject = field(default_factory=dict)
    session: SessionId | None = None
    parent: ThreadId | None = None
    parent_position: Position = BEGINNING

    @property
    def line(self) -> str:
        """Runs with the same line take turns, in the order of their starts."""
        return f"{self.parent}/sequence" if self.thread_type is ThreadType.SEQUENTIAL else self.id

    @property
    def takes_siblings_along(self) -> bool:
        """When a run of it fails, what they have unfinished is cancelled."""
        return self.thread_type is ThreadType.PARALLEL and self.metadata.on_failure is OnFailure.FAIL_FAST
