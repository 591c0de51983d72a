"""When a run's state is worth a checkpoint: as soon as the rows since the last one outweigh it, by number or by bytes.

Then a run is loaded quickly, and all checkpoints together stay as small as the journal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.ports.journal import Recorded, Written

CHECKPOINT_ROWS = 1_000
CHECKPOINT_BYTES = 4 * 1024 * 1024
_BYTES_OF_A_ROW = 100


@dataclass(slots=True)
class SinceCheckpoint:
    """`rows` that were recorded since the newest checkpoint, and how many `bytes` those that are durable take."""

    rows: int
    bytes: int
    most_rows: int = field(default_factory=lambda: CHECKPOINT_ROWS)
    most_bytes: int = field(default_factory=lambda: CHECKPOINT_BYTES)

    def weigh(self, rows: Sequence[Recorded]) -> None:
        """A unit has become durable: as its store wrote it, or read back where the answer was lost."""
        self.bytes += rows.size if isinstance(rows, Written) else sum(len(row.body) for row in rows)

    @property
    def is_enough(self) -> bool:
        return self.rows >= self.most_rows or self.bytes >= self.most_bytes

    def outweighs(self, size: int) -> bool:
        """Are they still enough for a checkpoint of that size? Then the count begins anew; it is compared with that size from here on."""
        self.most_rows, self.most_bytes = max(CHECKPOINT_ROWS, size // _BYTES_OF_A_ROW), max(CHECKPOINT_BYTES, size)
        if not self.is_enough:
            return False
        self.rows = self.bytes = 0
        return True
