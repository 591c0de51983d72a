"""Plan, execute, append, apply: drives one claimed run until it is final, parked, handed back or taken away.

No polling, no superstep: a node starts the moment its inputs are settled. What rows bring about is in `application.deriving`, running
nodes in `application.executing`, how a run leaves in `application.ending`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from application.appending import EngineTools
from application.deriving import derive
from application.drive import Drive
from application.ending import finish_run
from application.executing import is_about_to_compute, reserve_ahead, start
from application.loading import Loaded, Loader
from application.parking import park_if_idle
from application.refusing import refuse
from application.sleeping import SHORT_SECONDS
from application.snapshotting import SnapshottingDrive
from application.stopping import stop_all
from application.taking_over import charge_lost, recount
from domain.errors import Fenced, LimitReached, WeftError, failure_of
from domain.ports.inbox import UNDO, Wish
from domain.ports.queue import Claim
from domain.run import events
from domain.run.run import Durability

FAIR_SHARE = 64
"""A run whose rows need no waiting gives others a turn after so many of them."""
MOST_UNKEPT = 5_000
"""With durability `exit`: rows that may be lost at most before some are written early."""

MOST_BEFORE = 3
_NO_RESULTS = (events.RunStarted, events.TimeForgiven, events.Answered)


@dataclass(frozen=True, slots=True)
class Engine:
    tools: EngineTools
    load: Loader

    async def open(self, claim: Claim, wishes: Sequence[Wish] = ()) -> Drive:
        """Load a claimed run; a fresh one gets its first row, behind what it is to undo. Raises what loading raises."""
        loaded = await self.load(claim)
        durable, run = loaded.position, claim.run
        rows: list[events.Event] = []
        if loaded.state is None:
            if run.first != loaded.position:
                run = replace(run, first=loaded.position)
            rows = [*await self._undone(loaded, wishes), self.load.first_row(loaded)]
        assert loaded.state is not None
        drive = Drive(self.tools, claim.lease, loaded, loaded.state, run, loaded.position, durable)
        drive.outbox.extend(rows)
        if drive.reserves and self.tools.purse is not None:
            await self.tools.purse.learn()
        if run.snapshots is not None:
            drive = SnapshottingDrive.of(drive)
        if run.parked_at is not None:
            _forgive(drive, run.parked_at)
        if claim.taken_over:
            recount(drive, await self.tools.ledger.of_run(run.tenant, run.id))
        if claim.taken_over or _may_have_called(drive, claim, is_new=bool(rows)):
            charge_lost(drive, await self.tools.ledger.reserved(run.tenant, run.id, claim.lease.epoch))
        return drive

    async def _undone(self, loaded: Loaded, wishes: Sequence[Wish]) -> Sequence[events.Event]:
        """The wish itself is taken with all others, and changes nothing any more."""
        undo = next((wish for wish in wishes if wish.kind == UNDO), None)
        row = None if undo is None else await self.load.undo(loaded, undo.body)
        return () if row is None else (row,)

    async def drive(self, drive: Drive) -> None:
        """Returns when the run has left this worker. Raises `Fenced` when it was taken away; everything it ran is stopped either way."""
        deadline = self._deadline(drive)
        last_turn = drive.position
        try:
            while not drive.is_lost:
                drive.take_flushed()
                derive(drive)
                if drive.waiting:
                    drive.tell_waiting()
                if drive.state.status is not None:
                    return await finish_run(drive)
                if drive.reserves and drive.queue:
                    reserve_ahead(drive)
                await self._keep(drive)
                if not start(drive) and not drive.has_more:
                    if await park_if_idle(drive, SHORT_SECONDS):
                        return None
                    await drive.wake.wait()
                drive.wake.clear()
                if drive.position - last_turn >= FAIR_SHARE:
                    last_turn = drive.position
                    await asyncio.sleep(0)
        except Fenced:
            drive.is_lost = True
            raise
        finally:
            deadline.cancel()
            await stop_all(drive)

    async def _keep(self, drive: Drive) -> None:
        """Make rows durable as the run's durability asks: at once, while the next nodes run, or only at its end."""
        if drive.rows_first or drive.lines_first:
            only_lines = not drive.rows_first and drive.run.durability is Durability.EXIT
            drive.rows_first = drive.lines_first = False
            await (drive.append_reserved() if only_lines else drive.append())
        if not drive.outbox:
            return
        match drive.run.durability:
            case Durability.SYNC:
                if not _has_just_begun(drive):
                    await drive.append()
            case Durability.ASYNC:
                drive.append_meanwhile()
            case Durability.EXIT:
                if len(drive.outbox) >= MOST_UNKEPT:
                    await drive.append()

    def _deadline(self, drive: Drive) -> asyncio.TimerHandle:
        """Ends the run when its time is over, at once when that or its money is gone already."""
        left = drive.deadline - drive.now()
        if not drive.is_winding_up:
            drive.check_spending()
            if left <= 0:
                _out_of_time(drive)
        return asyncio.get_running_loop().call_later(max(left, 0.0), _out_of_time, drive)

    async def refuse(self, claim: Claim, error: WeftError) -> None:
        """End a run that cannot be loaded or kept; see `application.refusing`."""
        await refuse(self.tools, claim, error)


def _has_just_begun(drive: Drive) -> bool:
    """Nothing is recorded but the first row, or an answer, which is no result that anything depends on, and what comes next only computes:
    the two go together, unless somebody watches, who hears of the run before its first node."""
    is_no_result = len(drive.outbox) <= MOST_BEFORE and all(isinstance(event, _NO_RESULTS) for event in drive.outbox)
    return is_no_result and is_about_to_compute(drive) and not drive.tools.feed.wanted(drive.run.id)


def _may_have_called(drive: Drive, claim: Claim, *, is_new: bool) -> bool:
    """May a worker before have called, and left in whatever way? Whoever took the run over may have been lost for the database too, before
    it could look. Of a run that `is_new`, without a row, only one that some worker was lost with."""
    return drive.reserves and claim.lease.epoch > 1 and (not is_new or claim.deliveries > 1)


def _forgive(drive: Drive, since: datetime) -> None:
    """The run was parked for what only the outside could end."""
    drive.record(events.TimeForgiven(max(drive.now() - since.timestamp(), 0.0)))
    drive.run = replace(drive.run, waiting_for=(), parked_at=None)
    drive.has_news = True


def _out_of_time(drive: Drive) -> None:
    limit = drive.state.limits.seconds
    drive.end_failed(failure_of(LimitReached(f"the run took longer than limits.seconds, which is {limit:g}", "seconds")))
