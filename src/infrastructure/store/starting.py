"""What both databases hold alike about starting a run."""

from typing import Final

from domain.errors import InfrastructureError, PositionGone, ThreadBusy, ThreadNotFound
from domain.ids import Position, ThreadId
from domain.ports.repositories import IdempotencyMark, Started
from domain.run.run import Run
from domain.thread import Thread, ThreadMetadata
from infrastructure.store.codec import encode
from infrastructure.store.marks import refuse_another


def thread_body(thread: Thread) -> bytes:
    return encode({"metadata": thread.metadata, "labels": thread.labels})


EMPTY_THREAD: Final = encode({"metadata": ThreadMetadata(), "labels": {}})
"""The body of a thread that a start opens: no name, no labels."""


def replayed(asked: IdempotencyMark, known: IdempotencyMark, run: Run | None) -> Started:
    """The answer to a start whose key came before; another digest, as every key of something else has, is `IdempotencyConflict`."""
    refuse_another(asked, known.digest)
    if run is None:
        raise InfrastructureError(f"the run that the key {asked.key} started is not there any more: use a new key")
    return Started(run, fresh=False)


def busy_with(run: str, thread: ThreadId) -> ThreadBusy:
    return ThreadBusy(f"run {run} is unfinished on thread {thread}: wait for its end, or start with on_busy enqueue, interrupt or rollback")


def no_thread(thread: ThreadId) -> ThreadNotFound:
    return ThreadNotFound(f"there is no thread {thread}")


def no_ground(thread: Thread, begins: int) -> PositionGone:
    """The branch would stand on what retention has removed."""
    where = f"what thread {thread.parent} did before position {begins} has been removed"
    return PositionGone(f"{where}; it can be branched from there on, not at {thread.parent_position}", Position(begins))
