"""News for readers: durable rows as they are appended, and what passes by (token chunks, nodes lighting up)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from domain.ids import RunId, ThreadId
from domain.ports.journal import Recorded

PARKED: Final = "parked"


class Slow(StrEnum):
    """What becomes of the chunks of a reader that does not keep up: the oldest go; the newest wait a second for room and go if there is
    none; or the reader goes (`ReaderTooSlow`). Rows are lost to nobody, whichever it is."""

    DROP_OLDEST = "drop_oldest"
    BLOCK = "block"
    DISCONNECT = "disconnect"


@dataclass(frozen=True, slots=True)
class Passing:
    """Ephemeral; may be dropped for a slow reader. `kind`: `started` (the activation began an attempt), `text` (a piece of a model's
    answer), `progress` (how far a tool is, in its own words, in place of those before), or `parked` (the run's public row says so now).
    `dropped`: how many this reader lost since the last one it got."""

    run: RunId
    kind: str
    activation: str
    text: str = ""
    dropped: int = 0


Item: TypeAlias = Recorded | Passing | None


class NewsOfRun(Protocol):
    """News of one reader, oldest first. None: perhaps you missed something, or nothing came for a while; read the journal."""

    def __aiter__(self) -> AsyncIterator[Item]: ...

    async def __anext__(self) -> Item: ...

    def ready(self) -> Sequence[Item]:
        """What can be had without waiting, a few hundred at most."""


class ThreadNews(Protocol):
    """What happens to a thread from now on; None as for a run. What passes by is heard of the runs that were joined."""

    def __aiter__(self) -> AsyncIterator[Item]: ...

    def ready(self) -> Sequence[Item]: ...

    def join(self, run: RunId) -> None:
        """Hear what passes by in this run too. A run whose first row comes by is joined without asking."""

    def leave(self, run: RunId) -> None:
        """Nothing more will pass by in it."""


class Feed(Protocol):
    def publish(self, rows: Sequence[Recorded]) -> None:
        """Rows that are durable now, in order. Never blocks."""

    def pass_by(self, news: Passing) -> None:
        """Something ephemeral. Never blocks, never fails."""

    def wanted(self, run: RunId) -> bool:
        """Is anybody in this process listening to this run? Lets a producer save its breath."""

    def listen(self, thread: ThreadId, run: RunId, slow: Slow | None = None) -> AbstractAsyncContextManager[NewsOfRun]:
        """What happens to a run from now on; without `slow` what passes by is not heard, but that the run has parked. What waits for one
        reader is bounded: rows that do not fit become a None, chunks as `slow` says."""

    def listen_to_thread(self, thread: ThreadId, slow: Slow | None = None) -> AbstractAsyncContextManager[ThreadNews]:
        """What happens to a thread from now on, whichever run does it, and what is done to it from outside."""
