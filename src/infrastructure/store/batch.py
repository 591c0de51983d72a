"""Which appends share a commit. A batch is groups, one per thread.

The units of a group follow each other without a gap: they stand or fall together.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, overload

from domain.errors import Fenced, Stale
from domain.ids import Epoch, Position, RunId, TenantId, ThreadId
from domain.ports.journal import Append, Recorded, Written
from domain.run.run import Run
from infrastructure.store.codec import encode
from infrastructure.store.large import LARGE, Values, apart
from infrastructure.store.rows import outcome

MOST_ROWS: Final = 2_000
MOST_BYTES: Final = 4 * 1024 * 1024
"""A batch ends with the unit that reaches one of these; a unit is never cut."""
IN_HALVES: Final = 32
"""The work of so many runs takes longer than a commit."""


@dataclass(slots=True, eq=False)
class Unit:
    """One append on its way, encoded. `done` gets its rows, or why it was refused."""

    append: Append
    bodies: list[bytes]
    done: "asyncio.Future[Sequence[Recorded]]"
    apart: "Apart | None" = None
    """None: nothing in it is large, as in most."""

    @classmethod
    def of(cls, append: Append) -> "Unit":
        unit = cls(append, [encode(event) for event in append.events], asyncio.get_running_loop().create_future())
        for body in unit.bodies:
            if len(body) > LARGE:
                unit.apart = Apart.of(append, unit.bodies)
                return unit
        if append.checkpoint is not None and len(append.checkpoint.body) > LARGE:
            unit.apart = Apart.of(append, unit.bodies)
        return unit

    @property
    def stored(self) -> list[bytes]:
        """Its bodies as they are written."""
        return self.bodies if self.apart is None else self.apart.bodies

    @property
    def checkpoint(self) -> bytes | None:
        if self.apart is not None:
            return self.apart.checkpoint
        return None if self.append.checkpoint is None else self.append.checkpoint.body


@dataclass(frozen=True, slots=True)
class Apart:
    """What of a unit is written where some of it is large: without its large values, and those. What a run gives back is in its last row
    too, so its public row is large only beside that one."""

    bodies: list[bytes]
    outcome: bytes | None
    checkpoint: bytes | None
    values: Values

    @classmethod
    def of(cls, append: Append, bodies: Sequence[bytes]) -> "Apart":
        values: Values = {}
        told = None if append.run is None else apart(outcome(append.run), values)
        checkpoint = None if append.checkpoint is None else apart(append.checkpoint.body, values)
        return cls([apart(body, values) for body in bodies], told, checkpoint, values)


@dataclass(slots=True, eq=False)
class Group:
    """The units of one thread in one batch, and the time on their rows. `doubtful`: it was sent before, and the answer was lost.
    `is_heard`: somebody outside may listen to what becomes of the run."""

    thread: ThreadId
    run: RunId
    epoch: Epoch
    after: Position
    upto: Position
    units: list[Unit]
    at: datetime
    doubtful: bool = False
    is_heard: bool = False

    @classmethod
    def of(cls, unit: Unit, at: datetime) -> "Group":
        append = unit.append
        lease = append.lease
        return cls(lease.thread, lease.run, lease.epoch, append.after, Position(append.after + len(unit.bodies)), [unit], at)

    def takes(self, unit: Unit) -> bool:
        """Adds the unit when it goes on exactly where this group ends, for the same lease."""
        append = unit.append
        if append.after != self.upto or append.lease.epoch != self.epoch or append.lease.run != self.run or self.release_at is not None:
            return False
        self.units.append(unit)
        self.upto = Position(self.upto + len(unit.bodies))
        return True

    @property
    def tenant(self) -> TenantId:
        return self.units[0].append.lease.tenant

    @property
    def release_at(self) -> float | None:
        """Only a group's last unit can give the run back."""
        return self.units[-1].append.release_at

    @property
    def new_run(self) -> Run | None:
        """The newest public row among its units."""
        if len(self.units) == 1:
            return self.units[0].append.run
        return next((unit.append.run for unit in reversed(self.units) if unit.append.run is not None), None)

    @property
    def new_outcome(self) -> bytes | None:
        """Of that row, as it is stored."""
        newest = next((unit for unit in reversed(self.units) if unit.append.run is not None), None)
        if newest is None or newest.append.run is None:
            return None
        return outcome(newest.append.run) if newest.apart is None else newest.apart.outcome

    @property
    def moves(self) -> bool:
        """The run goes on in another version of its workflow."""
        return any(unit.append.moves for unit in self.units)

    @property
    def has_news(self) -> bool:
        """For webhooks, if there are any."""
        return any(unit.append.told_of is not None for unit in self.units)

    @property
    def is_final(self) -> bool:
        """The run is over, and its thread free."""
        return self.release_at is not None and self.new_run is not None and self.new_run.status.is_final

    def committed(self) -> None:
        """Tells every unit its rows."""
        for unit in self.units:
            if not unit.done.done():
                unit.done.set_result(Rows(unit.append, unit.bodies, self.at))

    def refuse(self, error: Exception) -> None:
        for unit in self.units:
            if not unit.done.done():
                unit.done.set_exception(error)

    def refusal(self, head: tuple[int, int] | None) -> Fenced | Stale:
        """Why it was refused, from the thread's epoch and position as they are now; None: there is no such thread."""
        if head is None or head[0] != self.epoch:
            return Fenced(f"the lease on thread {self.thread} was taken over: this worker must stop working on run {self.run}")
        return Stale(f"thread {self.thread} ends at {head[1]}, not at {self.after}: read on from there and decide again")


def tell_committed(groups: Sequence[Group], under_way: int) -> None:
    """Tells many in two turns of the event loop: so one half of all runs works while what the other half did is committed, and not all
    wait together. `under_way`: units whose commit is still to come."""
    everybody = len(groups) + under_way
    now = max(everybody // 2 - under_way, 0) if everybody >= IN_HALVES else 0
    for group in groups[:now]:
        group.committed()
    if now:
        asyncio.get_running_loop().call_soon(_tell_all, groups[now:])
    else:
        _tell_all(groups)


def _tell_all(groups: Iterable[Group]) -> None:
    for group in groups:
        group.committed()


@dataclass(slots=True)
class Waiting:
    """Units that want to be written, in the order they came."""

    units: deque[Unit] = field(default_factory=deque)
    again: list[Group] = field(default_factory=list)
    """Groups that could not be tried; they go first."""

    def __bool__(self) -> bool:
        return bool(self.units or self.again)

    def batch(self, at: datetime) -> list[Group]:
        """As many units as one commit may hold. What does not follow on its thread's group waits for the next batch, in order."""
        groups = {group.thread: group for group in self.again}
        self.again = []
        later: list[Unit] = []
        blocked: set[ThreadId] = {thread for thread, group in groups.items() if group.doubtful}
        units, rows, size = self.units, 0, 0
        while units and rows < MOST_ROWS and size < MOST_BYTES:
            unit = units.popleft()
            thread = unit.append.lease.thread
            group = groups.get(thread)
            if group is None:
                groups[thread] = Group.of(unit, at)
            elif thread in blocked or not group.takes(unit):
                blocked.add(thread)
                later.append(unit)
                continue
            rows += len(unit.bodies)
            size += sum(map(len, unit.bodies))
        units.extendleft(reversed(later))
        return list(groups.values())


@dataclass(slots=True, eq=False)
class Rows(Written):
    """The rows of a unit that was committed; made when somebody looks, and most often nobody does. They do not hold the unit, whose
    future holds them: only the collector could free such a circle."""

    append: Append
    bodies: list[bytes]
    at: datetime

    @property
    def size(self) -> int:
        return sum(map(len, self.bodies))

    def __len__(self) -> int:
        return len(self.bodies)

    @overload
    def __getitem__(self, index: int) -> Recorded: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Recorded]: ...
    def __getitem__(self, index: int | slice) -> Recorded | Sequence[Recorded]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        append, number = self.append, range(len(self))[index]
        event, body = append.events[number], self.bodies[number]
        return Recorded(append.lease.thread, Position(append.after + number + 1), append.lease.run, event.kind, body, self.at)
