"""A run as its users know it: what was asked, where it stands, what came of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.acting import Acting
from domain.errors import Failure, IllegalTransition
from domain.graph.definition import Limits
from domain.graph.flow import Priority
from domain.ids import BEGINNING, ContentHash, Position, RunId, TenantId, ThreadId
from domain.json import Json, JsonObject
from domain.run.terms import OnBusy
from domain.snapshot import SnapshotPolicy
from domain.usage import UsageTotal


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PARKED = "parked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
_NEXT = {
    RunStatus.QUEUED: {RunStatus.RUNNING, RunStatus.FAILED, RunStatus.CANCELLED},
    RunStatus.RUNNING: {RunStatus.PARKED, *FINAL},
    RunStatus.PARKED: {RunStatus.RUNNING, *FINAL},
}


class Mode(StrEnum):
    ASYNC = "async"
    SYNC = "sync"


class Durability(StrEnum):
    SYNC = "sync"
    ASYNC = "async"
    EXIT = "exit"


FORGIVEN = frozenset({"signal", "pause", "needs_attention", "human", "budget"})
"""What only the outside can end. The time a run is parked for one of these does not count."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a parked run waits for. `kind`: `timer`, `retry`, or one of `FORGIVEN`. `until` in seconds since the epoch. `signals`: any of
    these ends it. `activation` is "" for a pause, or where a breakpoint stopped the run. `about`: of `needs_attention`, what is known;
    of `human` and `budget`, what is asked."""

    activation: str
    kind: str
    until: float | None = None
    signals: tuple[str, ...] = ()
    about: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Continued:
    """`at`: the position of an ancestor of the thread where `run` was under way."""

    run: RunId
    at: Position


@dataclass(frozen=True, slots=True)
class Run:
    """`first` is the position before the run's first row, `last` that of its newest one. `workflow` is `name@version`."""

    id: RunId
    tenant: TenantId
    thread: ThreadId
    workflow: str
    workflow_hash: ContentHash
    input: JsonObject
    created_at: datetime
    status: RunStatus = RunStatus.QUEUED
    mode: Mode = Mode.ASYNC
    durability: Durability = Durability.SYNC
    limits: Limits = field(default_factory=Limits)
    metadata: JsonObject = field(default_factory=dict)
    output: Json = None
    failure: Failure | None = None
    waiting_for: tuple[Waiting, ...] = ()
    usage: UsageTotal = field(default_factory=UsageTotal)
    steps: int = 0
    first: Position = BEGINNING
    last: Position = BEGINNING
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ending: RunStatus | None = None
    """What it will be once everything that finished in it is undone."""
    parked_at: datetime | None = None
    """Since when it has been parked for what only the outside can end."""
    paused: bool = False
    """Somebody asked for a pause: nothing new starts in it."""
    priority: Priority = Priority.NORMAL
    concurrency_key: str | None = None
    due_at: datetime | None = None
    """Not to begin before; None: at once."""
    snapshots: SnapshotPolicy | None = None
    """Which ones it takes by itself; None: none."""
    acting: Acting | None = None
    """Of a run in a session: for whom, and with which permissions."""
    pause_before: tuple[str, ...] = ()
    """Breakpoints: names of nodes."""
    pause_after: tuple[str, ...] = ()

    on_busy: OnBusy = OnBusy.ENQUEUE
    """How it dealt with what was unfinished on its thread."""
    continues: Continued | None = None
    """Where another run was, and this one goes on; None: it begins at its beginning."""
    trace: str = ""
    """The `traceparent` of what started it, "" for none; see `domain.tracing`."""

    @property
    def needs_the_outside(self) -> bool:
        """It is parked, and does not go on by itself alone."""
        return self.status is RunStatus.PARKED and any(waiting.kind in FORGIVEN for waiting in self.waiting_for)

    def moved(self, status: RunStatus, **changes: Any) -> "Run":
        """The same run in another status, with whatever else changes (fields by name); terminal is final."""
        if status is not self.status and status not in _NEXT.get(self.status, ()):
            raise IllegalTransition(f"the run is {self.status.value} and cannot become {status.value}")
        return replace(self, status=status, **changes)
