"""What a run's rows tell about each visit of each node."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias, assert_never

from application.run_views import ActivationView, RunView
from application.views import ErrorView, perhaps
from domain.errors import Failure
from domain.ids import ActivationPath, Position
from domain.ports.journal import Journal, Recorded
from domain.run.events import (
    Answered,
    AttemptFailed,
    BudgetAlert,
    CancelRequested,
    EffectFinished,
    EffectIntended,
    EffectResolved,
    EffectUnknown,
    Event,
    FrameBegun,
    FrameEnded,
    FramesOpened,
    NodeFailed,
    NodeFinished,
    NodeParked,
    PauseRequested,
    Resumed,
    RunContinued,
    RunEnded,
    RunFailing,
    RunMigrated,
    RunStarted,
    SignalReceived,
    StateEdited,
    StateRestored,
    Terminated,
    TimeForgiven,
    UsageCounted,
)
from domain.run.run import Run

NEWEST = 200
PAGE = 1000
_IN_FLIGHT = frozenset({"running", "retrying", "parked"})
_STATUS = {
    NodeFinished.kind: "finished",
    Terminated.kind: "finished",
    NodeFailed.kind: "failed",
    AttemptFailed.kind: "retrying",
    FramesOpened.kind: "running",
    NodeParked.kind: "parked",
    Answered.kind: "running",
    EffectIntended.kind: "running",
    EffectFinished.kind: "running",
    EffectUnknown.kind: "parked",
    EffectResolved.kind: "running",
    UsageCounted.kind: "cancelled",
}
_OfVisit: TypeAlias = (
    NodeFinished
    | Terminated
    | NodeFailed
    | AttemptFailed
    | FramesOpened
    | NodeParked
    | Answered
    | UsageCounted
    | EffectIntended
    | EffectFinished
    | EffectUnknown
    | EffectResolved
)


@dataclass(slots=True)
class _Visit:
    status: str = "running"
    failed_attempts: int = 0
    seconds: float | None = None
    failure: Failure | None = None

    def view(self, path: ActivationPath) -> ActivationView:
        attempts = self.failed_attempts + (self.status != "retrying")
        error = perhaps(ErrorView.of, self.failure)
        return ActivationView(path=path, node=_node_of(path), status=self.status, attempts=attempts, seconds=self.seconds, error=error)


@dataclass(slots=True)
class ActivationLog:
    """Fed with a run's rows in order; remembers each visit in the order in which it was last heard of."""

    visits: dict[ActivationPath, _Visit] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    is_empty: bool = True
    has_begun: bool = False

    def see(self, event: Event) -> None:
        self.is_empty = False
        match event:
            case RunStarted() | RunContinued():
                self.versions, self.has_begun = dict(event.versions), True
            case RunMigrated():
                self.versions = dict(event.versions)
                self._rename(event.paths)
            case FrameEnded():
                self._cancel(event.cancelled)
            case RunEnded():
                self._cancel([path for path, visit in self.visits.items() if visit.status in _IN_FLIGHT])
            case NodeFailed() | Terminated():
                self._visited(event)
                self._cancel(event.cancelled)
            case NodeFinished() | AttemptFailed() | FramesOpened() | NodeParked() | UsageCounted():
                self._visited(event)
            case EffectIntended() | EffectFinished() | EffectUnknown() | EffectResolved() | Answered():
                self._visited(event)
            case FrameBegun() | CancelRequested() | RunFailing() | PauseRequested() | Resumed() | SignalReceived() | TimeForgiven():
                pass  # says nothing about a visit
            case StateEdited() | StateRestored() | BudgetAlert():
                pass
            case _:
                assert_never(event)

    def newest(self, count: int) -> list[ActivationView]:
        """The last heard of, oldest first."""
        late = list(islice(reversed(self.visits.items()), count))
        return [visit.view(path) for path, visit in reversed(late)]

    def _visited(self, event: _OfVisit) -> None:
        visit = self._now(event.activation, _STATUS[event.kind])
        if isinstance(event, NodeFinished):
            visit.seconds = event.seconds
        elif isinstance(event, NodeFailed | AttemptFailed):
            visit.failure = event.failure
            visit.failed_attempts += isinstance(event, AttemptFailed)

    def _now(self, path: ActivationPath, status: str) -> _Visit:
        """Dicts keep the order of insertion: out and in again makes it the last heard of."""
        visit = self.visits.pop(path, _Visit())
        self.visits[path] = visit
        visit.status = status
        return visit

    def _rename(self, paths: Mapping[str, str]) -> None:
        """What is under way goes on under another path, in its place."""
        self.visits = {ActivationPath(paths.get(path, path)): visit for path, visit in self.visits.items()}

    def _cancel(self, paths: Iterable[ActivationPath]) -> None:
        for path in paths:
            self._now(path, "cancelled")


def _node_of(path: ActivationPath) -> str:
    return path.rpartition("/")[2].partition("#")[0]


async def rows_of(journal: Journal, run: Run, after: Position) -> AsyncIterator[Recorded]:
    """Every durable row of a run after a position."""
    while True:
        rows = await journal.read(run.tenant, run.thread, after, PAGE, run.id)
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = rows[-1].position


async def describe(journal: Journal, run: Run) -> RunView:
    """A run with what its rows tell about its visits; reads all of them, since any may speak of a visit long past."""
    log = ActivationLog()
    async for row in rows_of(journal, run, run.first):
        log.see(journal.decode(row))
    return RunView.whole(run, log.newest(NEWEST), len(log.visits), log.versions, rows_removed=_are_removed(run, log))


def _are_removed(run: Run, log: ActivationLog) -> bool:
    """Is its first row gone? A run that was refused before it began never had one, and its last one only."""
    if log.has_begun:
        return False
    if run.status.is_final:
        return run.steps > 0 or (log.is_empty and run.last > run.first)
    return not log.is_empty
