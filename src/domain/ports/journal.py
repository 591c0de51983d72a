"""The append-only log of a thread, its head, and what stands beside a row in the same transaction."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import Epoch, Position, RunId, TenantId, ThreadId, WorkerId
from domain.run.events import Event
from domain.run.run import Run
from domain.snapshot import ThreadSnapshot
from domain.usage import UsageRow


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to append to one thread, for one run, while no newer epoch exists."""

    tenant: TenantId
    thread: ThreadId
    run: RunId
    epoch: Epoch
    worker: WorkerId


@dataclass(frozen=True, slots=True)
class Recorded:
    """One durable row. `body` is the event's JSON as stored (UTF-8), made once and handed to every reader."""

    thread: ThreadId
    position: Position
    run: RunId
    kind: str
    body: bytes
    at: datetime


class Written(Sequence[Recorded]):
    """The rows of an append, made when somebody looks at them."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Bytes of all their bodies; 0 where nothing was encoded, as in a store that keeps nothing beyond the process."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A thread's folded state at a position. `body` is what `domain.run.state` dumped, as JSON bytes."""

    position: Position
    body: bytes


@dataclass(slots=True)
class Append:
    """One unit of writing; all of it becomes durable or none.

    `after`: the position the writer believes to be the end. `run`: the run's new public row, when it changed. `usage`: ledger lines of
    these events.
    `snapshots`: of the thread, kept with these rows; one that is there already stays.
    `taken`: inbox rows that became events here and are removed. `release_at`: None keeps the run claimed; else the run leaves the worker
    in this
    transaction: a final run leaves the queue, another one may be claimed again from `release_at` (seconds since the epoch) on, or at
    once when the inbox holds a wish for it that is not in `taken`. A unit may have no events: then it only releases.

    Never changed; not frozen, because a frozen dataclass takes five times as long to make, and this is made at every step.
    """

    lease: Lease
    after: Position
    events: Sequence[Event]
    run: Run | None = None
    usage: Sequence[UsageRow] = ()
    checkpoint: Checkpoint | None = None
    taken: Sequence[int] = ()
    release_at: float | None = None
    snapshots: Sequence[ThreadSnapshot] = ()
    begun: Run | None = None
    """The run whose first row is among these events, where its public row stays as the claim made it: webhooks hear of it."""
    moves: bool = False
    """`run` is of another version of its workflow than before."""

    @property
    def told_of(self) -> Run | None:
        """As webhooks are told of it; None: there is no news."""
        return self.run or self.begun


class Journal(Protocol):
    async def append(self, append: Append) -> Sequence[Recorded]:
        """Make the unit durable; returns its rows once they are. Appends of all runs in the process share commits.

        Raises `Fenced` when the lease's epoch is no longer the newest, `Stale` when the epoch is the newest but `after` is not the end;
        a refused unit changes nothing and the others of its batch go through. `DatabaseError` when the store does not answer: the unit
        may or may not have happened.
        """

    async def read(
        self, tenant: TenantId, thread: ThreadId, after: Position, limit: int = 1000, run: RunId | None = None
    ) -> Sequence[Recorded]:
        """Up to `limit` rows after a position, oldest first. An unknown thread or another tenant's has none.

        Of a branch, rows up to its `parent_position` are those of its ancestors, and say so by `thread`. With `run`: only those of one run
        of this very thread.
        """

    async def newest_checkpoint(self, tenant: TenantId, thread: ThreadId, upto: Position | None = None) -> Checkpoint | None:
        """The checkpoint with the highest position, or the highest at or before `upto`; None when there is none. Of a branch it may be one
        that an ancestor wrote before the branch."""

    async def end(self, tenant: TenantId, thread: ThreadId) -> Position:
        """The position of the newest row; 0 when there is none."""

    def decode(self, row: Recorded) -> Event:
        """The event in a row. `SerializationError` when this version of Weft does not know its kind."""
