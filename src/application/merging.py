"""Several threads read as one line of interactions, in the order of their times; where a page ends is a position in each of them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from application.errors import Problem, ValidationError
from application.interaction_rows import Projection
from domain.ids import BEGINNING, Position, ThreadId
from domain.ports.journal import Journal
from domain.session import UserInteraction
from domain.thread import Thread

BATCH: Final = 100
MOST_ROWS: Final = 10_000
"""So many rows are read for one page at most; it ends there, with a cursor, whatever it has found."""
_DIGITS: Final = 15

Mark: TypeAlias = tuple[int, int]
"""All rows up to the first number were shown, and of the row after them as many interactions as the second says."""


@dataclass(slots=True)
class Line:
    """One thread. `mark`: what was shown of it; `ahead`: what was read and not shown yet, each with the mark after it."""

    thread: Thread
    mark: Mark
    read: Position = BEGINNING
    ahead: deque[tuple[UserInteraction, Mark]] = field(default_factory=deque)
    is_over: bool = False

    def __post_init__(self) -> None:
        self.read = Position(self.mark[0])

    async def fill(self, journal: Journal, project: Projection, most: int) -> int:
        """Read on until something can be shown, or so many rows were read; how many there were."""
        rows_read = 0
        while not self.ahead and not self.is_over and rows_read < most:
            rows = await journal.read(self.thread.tenant, self.thread.id, self.read, BATCH)
            for row in rows:
                told = await project(row)
                done = self.mark[1] if row.position == self.mark[0] + 1 else 0
                self.ahead.extend((one, _after(row.position, number, len(told))) for number, one in enumerate(told) if number >= done)
                self.read = row.position
            rows_read += len(rows)
            self.is_over = len(rows) < BATCH
            if not self.ahead:
                self.mark = (self.read, 0)
        return rows_read

    def take(self) -> UserInteraction:
        told, self.mark = self.ahead.popleft()
        return told


def _after(position: Position, number: int, count: int) -> Mark:
    return (position, 0) if number + 1 == count else (position - 1, number + 1)


@dataclass(frozen=True, slots=True)
class Merged:
    journal: Journal
    project: Projection
    lines: Sequence[Line]

    async def page(self, limit: int) -> tuple[list[UserInteraction], str | None]:
        """Each thread's own in the order of their positions, whatever its clocks say. None: there is nothing more now."""
        found: list[UserInteraction] = []
        left = MOST_ROWS
        for line in self.lines:
            left -= await line.fill(self.journal, self.project, max(left, BATCH))
        while len(found) < limit and left > 0 and (ready := self._ready()):
            line = min(ready, key=_place)
            found.append(line.take())
            left -= await line.fill(self.journal, self.project, left)
        has_more = any(line.ahead or not line.is_over for line in self.lines)
        return found, cursor_of(self.lines) if has_more else None

    def _ready(self) -> list[Line]:
        """None as long as one of them may still have something earlier."""
        if not all(line.ahead or line.is_over for line in self.lines):
            return []
        return [line for line in self.lines if line.ahead]


def _place(line: Line) -> tuple[float, ThreadId, Position]:
    told = line.ahead[0][0]
    return (told.timestamp.timestamp(), told.thread, told.position)


def lines_of(threads: Sequence[Thread], cursor: str | None) -> list[Line]:
    """Where the page before ended; without one, at the first row that is each thread's own: a branch shows nothing of its parent's."""
    marks = {} if cursor is None else _marks(cursor)
    return [Line(thread, marks.get(_short(thread.id), (thread.parent_position, 0))) for thread in threads]


def cursor_of(lines: Sequence[Line]) -> str:
    moved = [line for line in lines if line.mark != (line.thread.parent_position, 0)]
    return "i" + "~".join(f"{_short(line.thread.id)}.{line.mark[0]}.{line.mark[1]}" for line in moved)


def _short(thread: ThreadId) -> str:
    """The random end of its id: enough to tell apart those of one session."""
    return thread[-12:]


def _marks(cursor: str) -> dict[str, Mark]:
    found: dict[str, Mark] = {}
    for part in cursor[1:].split("~") if len(cursor) > 1 else ():
        thread, *numbers = part.split(".")
        if cursor[0] != "i" or len(numbers) != 2 or not all(map(_is_number, numbers)):
            raise _bad_cursor()
        found[thread] = (int(numbers[0]), int(numbers[1]))
    if cursor[0] != "i":
        raise _bad_cursor()
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def _bad_cursor() -> ValidationError:
    advice = Problem("/query/cursor", "bad_cursor", "use `next_cursor` of the page before")
    return ValidationError("the cursor is not one of ours", [advice])
