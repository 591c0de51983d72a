"""Forgetting finished runs of a store in memory."""

from dataclasses import dataclass
from datetime import datetime

from domain.run.run import Run
from infrastructure.store.memory.book import Book


@dataclass(frozen=True, slots=True)
class MemoryRetention:
    book: Book

    async def forget_runs(self, ended_before: datetime, limit: int) -> int:
        book = self.book
        held: dict[str, int] = {}
        for run in book.runs.values():
            held[run.thread] = held.get(run.thread, 0) + 1
        parents = {thread.parent for thread in book.threads.values()}
        alone = (run for run in book.runs.values() if held[run.thread] == 1 and run.thread not in parents)
        old = [run for run in alone if self._is_old(run, ended_before)][:limit]
        for run in old:
            del book.runs[run.id], book.threads[run.thread], book.logs[run.thread]
            book.inbox.pop(run.thread, None)
            book.snapshots.pop(run.thread, None)
        return len(old)

    def _is_old(self, run: Run, ended_before: datetime) -> bool:
        thread = self.book.threads.get(run.thread)
        opened = thread is not None and thread.created_at == run.created_at
        return opened and run.ended_at is not None and run.ended_at < ended_before

    async def forget_rows(self, written_before: datetime, limit: int) -> int:
        """Nothing outlives the process here, so rows stay."""
        return 0

    async def forget_values(self, unused_since: datetime, limit: int) -> int:
        """Here a value is part of its row."""
        return 0
