"""What the outside wants of a thread, waiting for the holder of its lease."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from domain.ids import RunId, TenantId, ThreadId
from domain.json import JsonObject

CANCEL: Final = "cancel"
"""The kind of wish that needs no place in the line: it starts nothing."""
UNDO: Final = "undo"
"""Before its first row the run is to undo what the thread did since another run of it began."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One inbox row. `number` grows within the store. `kind`: `cancel` (later others)."""

    number: int
    thread: ThreadId
    run: RunId
    kind: str
    body: JsonObject


class Inbox(Protocol):
    async def put(self, tenant: TenantId, thread: ThreadId, run: RunId, kind: str, body: JsonObject, key: str) -> bool:
        """Leave a wish and, in the same transaction, make an unclaimed run claimable now; one that has not begun yet only for a `CANCEL`,
        which also frees an unclaimed run from its slot and rate. False when a wish with this `key` for this run is already there."""

    async def waiting(self, threads: Collection[ThreadId]) -> Sequence[Wish]:
        """The wishes for these threads, oldest first. They stay until an append names them in `taken`."""

    async def count(self, run: RunId, kind: str) -> int:
        """How many wishes of a kind wait for a run."""

    async def knocked(self, timeout: float) -> None:
        """Returns when a wish may have arrived, or after `timeout` seconds. A hint."""
