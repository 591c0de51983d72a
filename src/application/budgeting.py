"""Asking budgets before a node makes its call: mostly they know at once; else the node waits in a task of its own, and comes back."""

import asyncio
from collections.abc import Callable

from application.attempts import Attempt, foretold
from application.budgets.refusing import cheaper_than, outcome_of
from application.budgets.tills import Hold, Refusal
from application.drive import Drive
from domain.errors import PriceUnknown, WeftError
from domain.ports.nodes import NodeContext
from domain.run.state import Activation
from domain.usage import Usage

Reserve = Callable[[NodeContext], Usage]


def has_room(drive: Drive, activation: Activation, reserve: Reserve, context: NodeContext) -> bool:
    """Is it known that the call fits into every budget that counts it? Raises what foretelling it raises."""
    hold = _hold(drive, activation, reserve, context)
    return hold is None or hold.has_room


def wait_for_room(drive: Drive, activation: Activation) -> None:
    """The activation is put back in line, or has its result, when that is known."""
    drive.tasks[activation.path] = asyncio.create_task(_wait(drive, activation, drive.account.granted[activation, 0]))


def _hold(drive: Drive, activation: Activation, reserve: Reserve, context: NodeContext) -> Hold | None:
    """What it holds of budgets; None: none counts it."""
    call, purse = (activation, 0), drive.tools.purse
    if purse is None or call in drive.account.held or purse.knows_none(drive.run.tenant):
        return None
    hold = drive.account.granted.get(call)
    if hold is None:
        usage = foretold(activation, reserve, context)
        if isinstance(usage, WeftError):
            raise usage
        hold = purse.hold(context.caller(), usage)
        if hold is not None:
            drive.account.grant(call, hold)
    return hold


def tell_refused(drive: Drive, activation: Activation, refused: Refusal | PriceUnknown | None) -> None:
    """The run's readers hear that a budget is used up, whatever becomes of the call."""
    if isinstance(refused, Refusal):
        for alert in drive.account.hearing.refused(refused, activation.path):
            drive.record(alert)


async def _wait(drive: Drive, activation: Activation, hold: Hold) -> None:
    refused = await asyncio.shield(hold.decided)
    tell_refused(drive, activation, refused)
    tried = drive.instead.get(activation.path, ())
    cheaper = None if refused is None else cheaper_than(refused, tried)
    if cheaper is not None:
        drive.instead[activation.path] = (*tried, cheaper)
        drive.account.let_off((activation, 0))
    if refused is None or cheaper is not None:
        drive.tasks.pop(activation.path, None)
        drive.queue.appendleft(activation)
    else:
        drive.results.append(Attempt(activation, outcome_of(refused)))
    drive.wake.set()
