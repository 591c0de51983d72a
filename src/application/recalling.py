"""Reading what a node's expressions recall before they are evaluated, so that evaluating reads nothing. Nodes that recall nothing never
come here; what was read is kept only in what a node journals."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from application.attempts import Attempt, known
from application.drive import Drive
from domain.errors import DatabaseError, ItemNotFound
from domain.item import Namespace
from domain.json import Json
from domain.remembering import Standpoint, place_at
from domain.run.state import Activation

log = structlog.get_logger("application.engine")


def recalls_before_it_runs(drive: Drive, activation: Activation) -> bool:
    """True: something is to be read first, and the activation comes back to the queue."""
    return _recalls(drive, activation, lambda: drive.queue.appendleft(activation))


def recalls_before_it_finishes(drive: Drive, attempt: Attempt) -> bool:
    """The same for what came of an attempt. Only of a node that slept or waited for others: what it recalls in `writes` is read anew."""
    return _recalls(drive, attempt.activation, lambda: drive.results.append(attempt))


def _recalls(drive: Drive, activation: Activation, then: Callable[[], None]) -> bool:
    references = drive.program(activation.frame).nodes[activation.index].recalls
    if not references or activation.path in drive.recalled:
        return False
    drive.tasks[activation.path] = asyncio.create_task(_recall(drive, activation, references, then))
    return True


async def _recall(drive: Drive, activation: Activation, references: Iterable[str], then: Callable[[], None]) -> None:
    stands = Standpoint(drive.run.workflow.partition("@")[0], drive.run.acting)
    try:
        found = {reference: await _value(drive, *place_at(reference, stands)) for reference in references}
    except Exception as error:
        drive.results.append(Attempt(activation, known(error, activation)))
    else:
        drive.recalled[activation.path] = found
        drive.tasks.pop(activation.path, None)
        then()
    drive.wake.set()


async def _value(drive: Drive, namespace: Namespace, key: str) -> Json:
    """None where there is no item. Asks until the store answers."""
    pause = 0.05
    while True:
        try:
            item = await drive.tools.items.get(drive.run.tenant, namespace, key, drive.tools.clock.now())
        except ItemNotFound:
            return None
        except DatabaseError as error:
            log.warning("store does not answer; trying again", run=drive.run.id, reason=error.message, pause=pause)
        else:
            return item.value
        await drive.tools.clock.sleep(pause)
        pause = min(pause * 2, 2.0)
