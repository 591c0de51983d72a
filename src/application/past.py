"""Looking back: what a thread held at any position of its journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from application.programs import ProgramShelf
from application.unrolling import PAGE, KnownPrograms, Unrolled, check_whole
from domain.errors import PositionNotFound
from domain.ids import Position, TenantId, ThreadId
from domain.json import Json
from domain.ports.journal import Journal, Recorded
from domain.ports.repositories import Threads
from domain.run.state import RunState
from domain.thread import Thread


@dataclass(frozen=True, slots=True)
class Moment:
    """A thread at a position. `values`: what it holds there, by channel, whoever wrote it. `before`: what it held before `run`.
    `run`: the one under way there; None between runs. `end`: where the journal ends now. `tail`: rows since the checkpoint it was read
    from."""

    thread: ThreadId
    position: Position
    end: Position
    values: Mapping[str, Json]
    before: Mapping[str, Json]
    run: RunState | None
    tail: int


@dataclass(frozen=True, slots=True)
class Past:
    journal: Journal
    threads: Threads
    shelf: ProgramShelf

    async def at(self, tenant: TenantId, thread: ThreadId, position: Position | None = None) -> Moment:
        """The thread after the row at `position` (0: before its first), or after its newest one.

        `ThreadNotFound`; `PositionNotFound` beyond the end; `PositionGone` for what retention removed.
        """
        found = await self.threads.get(tenant, thread)
        end = await self.journal.end(tenant, thread)
        unrolled = await self._unrolled(found, end if position is None else position, end)
        # A branch has taken what its parent held, and not the run that was under way there.
        is_shown = unrolled.position < found.parent_position or unrolled.since > found.parent_position
        before, run = (unrolled.values, unrolled.state) if is_shown else (unrolled.held, None)
        return Moment(thread, unrolled.position, end, unrolled.held, before, run, unrolled.tail)

    async def unrolled(self, tenant: TenantId, thread: ThreadId, position: Position) -> Unrolled:
        """The thread's journal up to a position, to be followed further. Raises what `at` raises."""
        found = await self.threads.get(tenant, thread)
        return await self._unrolled(found, position, await self.journal.end(tenant, thread))

    async def _unrolled(self, thread: Thread, position: Position, end: Position) -> Unrolled:
        if not 0 <= position <= end:
            raise PositionNotFound(f"the journal of thread {thread.id} ends at {end}: there is no position {position}")
        unrolled = Unrolled(self.journal, KnownPrograms(self.shelf, thread.tenant), thread.id)
        checkpoint = await self.journal.newest_checkpoint(thread.tenant, thread.id, position)
        if checkpoint is not None:
            await unrolled.begin_at(checkpoint)
        await unrolled.go_to(position)
        return unrolled

    async def rows(self, tenant: TenantId, thread: ThreadId, after: Position, limit: int = PAGE) -> Sequence[Recorded]:
        """Up to `limit` rows after a position, oldest first. `PositionGone` when retention removed some of them."""
        rows = await self.journal.read(tenant, thread, after, limit)
        await check_whole(self.journal, tenant, thread, after, rows)
        return rows
