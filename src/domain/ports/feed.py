"""News for readers: durable rows as they are appended, and what passes by (token chunks, nodes lighting up)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from domain.ids import RunId, ThreadId
from domain.ports.journal import Recorded

PARKED: Final = "parked"


@dataclass(frozen=True, slots=True)
class Passing:
    """Ephemeral; may be dropped for a slow reader. `kind`: `started` (the activation began an attempt), `text` (a piece of a model's
    answer), or `parked` (the run's public row says so now)."""

    run: RunId
    kind: str
    activation: str
    text: str = ""


class ThreadNews(Protocol):
    """What happens to a thread from now on; None as for a run. What passes by is heard of the runs that were joined."""

    def __aiter__(self) -> AsyncIterator[Recorded | Passing | None]: ...

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

    def listen(self, thread: ThreadId, run: RunId) -> AbstractAsyncContextManager[AsyncIterator[Recorded | Passing | None]]:
        """What happens to a run from now on. None means: perhaps you missed something, or nothing came for a while; read the journal.
        A reader that falls behind loses passing news first and is told by a None; the buffer is bounded."""

    def listen_to_thread(self, thread: ThreadId) -> AbstractAsyncContextManager[ThreadNews]:
        """What happens to a thread from now on, whichever run does it, and what is done to it from outside."""
