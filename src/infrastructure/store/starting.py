"""What both databases hold alike about starting a run."""

from typing import Final

from domain.errors import IdempotencyConflict, ThreadNotFound
from domain.ids import ThreadId
from domain.ports.repositories import IdempotencyMark, Started
from domain.run.run import Run
from domain.thread import Thread, ThreadMetadata
from infrastructure.store.codec import encode

MARK_SECONDS: Final = 24 * 3600.0


def thread_body(thread: Thread) -> bytes:
    return encode({"metadata": thread.metadata, "labels": thread.labels})


EMPTY_THREAD: Final = encode({"metadata": ThreadMetadata(), "labels": {}})
"""The body of a thread that a start opens: no name, no labels."""


def replayed(asked: IdempotencyMark, known: IdempotencyMark, run: Run) -> Started:
    """The answer to a start whose key came before; another digest is `IdempotencyConflict`."""
    if asked.digest != known.digest:
        raise IdempotencyConflict(f"the key {asked.key} came before with another body: use a new key for a new request")
    return Started(run, fresh=False)


def no_thread(thread: ThreadId) -> ThreadNotFound:
    return ThreadNotFound(f"there is no thread {thread}")
