"""Cursors of readers: positions of a thread's journal, the same for every way to read."""

from domain.errors import CursorGone, Problem, ValidationError
from domain.ids import Position, TenantId, ThreadId
from domain.ports.journal import Journal, Recorded
from domain.run.run import Run


async def check_end(journal: Journal, tenant: TenantId, thread: ThreadId, after: int) -> None:
    """`ValidationError` for a position that the journal has not reached."""
    end = await journal.end(tenant, thread)
    if after > end:
        told = f"there is nothing to resume from at {after}: the journal of thread {thread} ends at {end}"
        raise ValidationError(told, [Problem("/query/after", "beyond_end", f"the journal ends at {end}")])


async def check_run_cursor(journal: Journal, run: Run, after: int) -> None:
    """`CursorGone` when retention removed rows of the run behind the cursor."""
    if not run.status.is_final or after < run.last:
        await check_cursor(journal, run.tenant, run.thread, max(after, run.first))


async def check_cursor(journal: Journal, tenant: TenantId, thread: ThreadId, after: int) -> None:
    """`CursorGone` when retention removed what follows the cursor."""
    end = await journal.end(tenant, thread)  # first, so that what is appended meanwhile is not missed
    for row in await journal.read(tenant, thread, Position(after), 1):
        check_next(row, after)
        return
    if after < end:
        raise _gone(after, end + 1)


def check_next(row: Recorded, after: int) -> None:
    """`CursorGone` unless this row of a thread is the one after the cursor."""
    if row.position != after + 1:
        raise _gone(after, row.position)


def _gone(after: int, begins: int) -> CursorGone:
    told = f"rows after position {after} have been removed: start again after {begins - 1}, and read the state there first"
    return CursorGone(told, begins)
