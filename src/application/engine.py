"""Plan, execute, append, apply: drives one claimed run until it is final, parked, handed back or taken away.

No polling, no superstep: a node starts the moment its inputs are settled. What rows bring about is in `application.deriving`, running
nodes in `application.executing`, how a run leaves in `application.ending`.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from application.appending import EngineTools
from application.deriving import derive
from application.drive import Drive
from application.ending import finish_run
from application.executing import is_about_to_compute, start
from application.loading import Loader
from application.parking import park_if_idle
from application.sleeping import SHORT_SECONDS
from application.stopping import stop_all
from domain.errors import Fenced, LimitReached, WeftError, failure_of
from domain.ids import Position
from domain.ports.journal import Append
from domain.ports.queue import Claim
from domain.run import events
from domain.run.run import Durability, RunStatus

log = structlog.get_logger("application.engine")
FAIR_SHARE = 64
"""A run whose rows need no waiting gives others a turn after so many of them."""
MOST_UNKEPT = 5_000
"""With durability `exit`: rows that may be lost at most before some are written early."""


@dataclass(frozen=True, slots=True)
class Engine:
    tools: EngineTools
    load: Loader

    async def open(self, claim: Claim) -> Drive:
        """Load a claimed run; a fresh one gets its first row. Raises what loading raises."""
        loaded = await self.load(claim)
        first, run = None, claim.run
        if loaded.state is None:
            loaded.check_values()
            run = replace(run, first=loaded.position)
            first = self.load.first_row(loaded)
            loaded.position = Position(loaded.position + 1)
            loaded.start(first, loaded.position)
        assert loaded.state is not None
        durable = Position(loaded.position - (first is not None))
        drive = Drive(self.tools, claim.lease, loaded, loaded.state, run, loaded.position, durable)
        if first is not None:
            drive.outbox.append(first)
        if run.parked_at is not None:
            _forgive(drive, run.parked_at)
        return drive

    async def drive(self, drive: Drive) -> None:
        """Returns when the run has left this worker. Raises `Fenced` when it was taken away; everything it ran is stopped either way."""
        deadline = self._deadline(drive)
        last_turn = drive.position
        try:
            while not drive.is_lost:
                drive.take_flushed()
                derive(drive)
                if drive.state.status is not None:
                    return await finish_run(drive)
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
        if drive.rows_first:
            drive.rows_first = False
            await drive.append()
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
        """End a run that cannot be loaded or kept: its version is gone, its rows are of a newer Weft, or it made what no journal holds.
        Nothing of it was appended after `claim.position`."""
        failure, last = failure_of(error), Position(claim.position + 1)
        now = self.tools.clock.now()
        run = replace(claim.run, status=RunStatus.FAILED, output=None, failure=failure, ended_at=now, waiting_for=(), last=last)
        ending = [events.RunEnded(RunStatus.FAILED.value, None, failure)]
        rows = await self.tools.journal.append(Append(claim.lease, claim.position, ending, run, release_at=now.timestamp()))
        self.tools.feed.publish(rows)
        self.tools.meter.run_ended(run, 0.0)
        log.error("run refused", run=run.id, thread=run.thread, workflow=run.workflow, code=failure.code, reason=failure.message)


def _has_just_begun(drive: Drive) -> bool:
    """Nothing is recorded but the first row, which is no result that anything depends on, and what comes next only computes: the two go
    together, unless somebody watches, who hears of the run before its first node."""
    is_first_row = len(drive.outbox) == 1 and isinstance(drive.outbox[0], events.RunStarted)
    return is_first_row and is_about_to_compute(drive) and not drive.tools.feed.wanted(drive.run.id)


def _forgive(drive: Drive, since: datetime) -> None:
    """The run was parked for what only the outside could end."""
    drive.record(events.TimeForgiven(max(drive.now() - since.timestamp(), 0.0)))
    drive.run = replace(drive.run, waiting_for=(), parked_at=None)
    drive.has_news = True


def _out_of_time(drive: Drive) -> None:
    limit = drive.state.limits.seconds
    drive.end_failed(failure_of(LimitReached(f"the run took longer than limits.seconds, which is {limit:g}", "seconds")))
