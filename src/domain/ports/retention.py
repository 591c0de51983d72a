"""Letting go of what is old."""

from datetime import datetime
from typing import Protocol


class Retention(Protocol):
    async def forget_runs(self, ended_before: datetime, limit: int) -> int:
        """Remove up to `limit` runs that ended before then and had a thread of their own, with that thread, its journal and checkpoints.

        What they cost stays in the ledger. Answers how many there were; fewer than `limit`: none is left. A run that is started on such a
        thread at the same moment either finds it gone (`ThreadNotFound`) or keeps it. A thread that others branched off stays.
        """

    async def forget_rows(self, written_before: datetime, limit: int) -> int:
        """Of threads that go on: remove up to `limit` journal rows that a checkpoint stands for which was written before then, and the
        checkpoints before that one. Answers how many rows there were. Never what a branch stands on: the checkpoint at or before the
        position where it left, and every row from there on."""

    async def forget_values(self, unused_since: datetime, limit: int) -> int:
        """Remove up to `limit` large values that nothing refers to, and that were used last before then. Answers how many there were. One
        that is used again at the same moment stays, or is there anew."""
