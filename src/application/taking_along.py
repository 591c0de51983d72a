"""Parallel threads that stand and fall together: when a run of one fails, its siblings stop."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from domain.ids import TenantId, ThreadId
from domain.ports.inbox import CANCEL, Inbox
from domain.ports.repositories import Runs, ThreadFilter, Threads
from domain.run.run import Run
from domain.thread import Thread, ThreadType

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class TakeAlong:
    threads: Threads
    runs: Runs
    inbox: Inbox

    async def __call__(self, failed: Run) -> None:
        """Cancels what the siblings of its thread have unfinished, where that thread says so. May be done any number of times: the engine
        does so before the last row of `failed`, so that no crash forgets it, and after it, for what was started in between."""
        thread = await self.threads.get(failed.tenant, failed.thread)
        if not thread.takes_siblings_along or thread.parent is None:
            return
        body = {"by": f"run {failed.id}", "reason": f"it failed, and its thread {thread.id} takes its siblings along"}
        async for sibling in children_of(self.threads, thread.tenant, thread.parent, ThreadType.PARALLEL):
            for run in await self.runs.unfinished(sibling.tenant, sibling.id) if sibling.id != thread.id else ():
                await self.inbox.put(run.tenant, run.thread, run.id, CANCEL, body, CANCEL)


async def children_of(threads: Threads, tenant: TenantId, parent: ThreadId, kind: ThreadType | None = None) -> AsyncIterator[Thread]:
    """Newest first."""
    cursor: str | None = None
    while True:
        page = await threads.list(tenant, _PAGE, cursor, ThreadFilter(parent, thread_type=kind))
        for thread in page.items:
            yield thread
        cursor = page.next_cursor
        if cursor is None:
            return
