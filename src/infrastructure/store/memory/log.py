"""The rows of one thread, kept as events; a row is encoded when somebody looks at it, once."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload

from domain.ids import Epoch, Position, RunId, TenantId, ThreadId
from domain.ports.journal import Checkpoint, Recorded, Written
from domain.run.events import Event
from infrastructure.store.codec import encode
from infrastructure.store.memory.line import UNCLAIMED


@dataclass(slots=True)
class Log:
    """A thread's head and everything behind it. `events[n]` has position `base + n + 1`; `marks` says whose it is and when it came. What is
    at or before `base` is in the log of its `parent`."""

    tenant: TenantId
    thread: ThreadId
    epoch: Epoch = UNCLAIMED
    base: int = 0
    parent: "Log | None" = None
    checkpoints: list[Checkpoint] = field(default_factory=list)
    """By position."""
    events: list[Event] = field(default_factory=list)
    marks: list[tuple[RunId, datetime]] = field(default_factory=list)
    rows: dict[int, Recorded] = field(default_factory=dict)

    @property
    def end(self) -> Position:
        return Position(self.base + len(self.events))

    def row(self, index: int) -> Recorded:
        found = self.rows.get(index)
        if found is None:
            event, (run, at) = self.events[index], self.marks[index]
            position = Position(self.base + index + 1)
            found = self.rows[index] = Recorded(self.thread, position, run, event.kind, encode(event), at)
        return found

    def between(self, after: int, upto: int) -> Sequence[Recorded]:
        """The rows behind `after`, up to `upto`, those of the ancestors among them."""
        mine = Rows(self, range(max(after - self.base, 0), min(upto, self.end) - self.base))
        if self.parent is None or after >= self.base:
            return mine
        return (*self.parent.between(after, min(upto, self.base)), *mine)

    def keep(self, checkpoint: Checkpoint) -> None:
        """One at the same position is replaced."""
        at = bisect_left(self.checkpoints, checkpoint.position, key=_position)
        same = self.checkpoints[at : at + 1]
        self.checkpoints[at : at + bool(same and same[0].position == checkpoint.position)] = [checkpoint]

    def newest_checkpoint(self, upto: int) -> Checkpoint | None:
        at = bisect_right(self.checkpoints, upto, key=_position)
        if at or self.parent is None:
            return self.checkpoints[at - 1] if at else None
        return self.parent.newest_checkpoint(min(upto, self.base))


def _position(checkpoint: Checkpoint) -> Position:
    return checkpoint.position


class Rows(Written):
    """A stretch of a log, as rows made when they are looked at: an append that nobody reads encodes nothing."""

    __slots__ = ("_log", "_span")

    def __init__(self, log: Log, span: range) -> None:
        self._log = log
        self._span = span

    @property
    def size(self) -> int:
        return 0

    def __len__(self) -> int:
        return len(self._span)

    @overload
    def __getitem__(self, index: int) -> Recorded: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Recorded]: ...
    def __getitem__(self, index: int | slice) -> Recorded | Sequence[Recorded]:
        if isinstance(index, slice):
            return Rows(self._log, self._span[index])
        return self._log.row(self._span[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]
