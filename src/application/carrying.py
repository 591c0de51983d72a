"""One claimed run, from the claim until it has left the worker, whatever is wrong with it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from application.drive import Drive
from application.engine import Engine
from application.spans import run_claimed, trace_of
from domain.errors import DatabaseError, NodeExecutionError, Poisoned, SerializationError, WeftError
from domain.ports.inbox import Wish
from domain.ports.queue import Claim
from domain.run.terms import DELIVERIES

log = structlog.get_logger("application.worker")


async def carry(engine: Engine, claim: Claim, wishes: Sequence[Wish], opened: Callable[[Drive], None]) -> None:
    """`opened` is told of the drive before it moves. A run that cannot be carried ends here, and says why.

    Raises what only the worker can deal with: the lease is gone, the store does not answer.
    """
    if claim.deliveries > DELIVERIES:
        return await engine.refuse(claim, _poison())
    try:
        drive = await engine.open(claim, wishes)
    except DatabaseError:
        raise
    except WeftError as error:
        return await engine.refuse(claim, error)
    except Exception as error:
        return await engine.refuse(claim, _bug(claim, error))
    _tell(claim, drive)
    drive.wishes.extend(wishes)
    drive.seen.update(wish.number for wish in wishes)
    opened(drive)
    try:
        return await engine.drive(drive)
    except SerializationError as error:
        return await engine.refuse(replace(claim, run=drive.run, position=drive.durable), error)
    except WeftError:
        raise
    except Exception as error:
        return await engine.refuse(replace(claim, run=drive.run, position=drive.durable), _bug(claim, error))


def _tell(claim: Claim, drive: Drive) -> None:
    run, lease = claim.run, claim.lease
    what = "run started" if drive.outbox else "run resumed"
    about = {"run": run.id, "thread": run.thread, "workflow": run.workflow, "trace": trace_of(run).trace}
    log.info(what, **about, worker=lease.worker, epoch=lease.epoch)
    if drive.outbox:
        run_claimed(drive.tools.traces, run, drive.now())


def _bug(claim: Claim, error: Exception) -> WeftError:
    """Better an end that says so than a run that is claimed again for ever."""
    log.error("a bug of Weft ends the run", run=claim.run.id, thread=claim.run.thread, exc_info=error)
    return NodeExecutionError(f"Weft itself failed ({type(error).__name__}); the worker's log has the stack: please report it", "internal")


def _poison() -> WeftError:
    return Poisoned(
        f"{DELIVERIES} workers in a row were lost while they worked on this run, before any of them wrote a row: it is not tried again"
    )
