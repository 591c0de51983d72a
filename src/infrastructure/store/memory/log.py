"""The rows of one thread, kept as events; a row is encoded when somebody looks at it, once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload

from domain.ids import Epoch, Position, RunId, TenantId, ThreadId
from domain.ports.journal import Checkpoint, Recorded
from domain.run.events import Event
from infrastructure.store.codec import encode
from infrastructure.store.memory.line import UNCLAIMED


@dataclass(slots=True)
class Log:
    """A thread's head and everything behind it. `events[n]` has position `n + 1`; `marks` says whose it is and when it came."""

    tenant: TenantId
    thread: ThreadId
    epoch: Epoch = UNCLAIMED
    checkpoint: Checkpoint | None = None
    events: list[Event] = field(default_factory=list)
    marks: list[tuple[RunId, datetime]] = field(default_factory=list)
    rows: dict[int, Recorded] = field(default_factory=dict)

    def row(self, index: int) -> Recorded:
        found = self.rows.get(index)
        if found is None:
            event, (run, at) = self.events[index], self.marks[index]
            found = self.rows[index] = Recorded(self.thread, Position(index + 1), run, event.kind, encode(event), at)
        return found

    def keep(self, checkpoint: Checkpoint) -> None:
        if self.checkpoint is None or checkpoint.position >= self.checkpoint.position:
            self.checkpoint = checkpoint


class Rows(Sequence[Recorded]):
    """A stretch of a log, as rows made when they are looked at: an append that nobody reads encodes nothing."""

    __slots__ = ("_log", "_span")

    def __init__(self, log: Log, span: range) -> None:
        self._log = log
        self._span = span

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
