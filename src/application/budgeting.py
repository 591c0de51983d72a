"""Asking budgets before a node makes its call: it waits in a task of its own, and comes back when it knows."""

import asyncio
from collections.abc import Callable

from application.attempts import Attempt, foretold
from application.budgets.refusing import cheaper_than, outcome_of
from application.budgets.tills import Hold
from application.drive import Drive
from domain.errors import WeftError
from domain.ports.nodes import NodeContext
from domain.run.state import Activation
from domain.usage import Usage


def has_room(drive: Drive, activation: Activation, reserve: Callable[[NodeContext], Usage], context: NodeContext) -> bool:
    """Does the call fit into every budget that counts it? Where that has to be asked, the activation is put back in line afterwards. Raises
    what foretelling it raises."""
    call, purse = (activation, 0), drive.tools.purse
    if purse is None or call in drive.account.held or call in drive.account.granted or purse.knows_none(drive.run.tenant):
        return True
    usage = foretold(activation, reserve, context)
    if isinstance(usage, WeftError):
        raise usage
    hold = purse.hold(context.caller(), usage)
    if hold is None:
        return True
    drive.account.grant(call, hold)
    drive.tasks[activation.path] = asyncio.create_task(_ask(drive, activation, hold))
    return False


async def _ask(drive: Drive, activation: Activation, hold: Hold) -> None:
    refused = await asyncio.shield(hold.decided)
    cheaper = None if refused is None else cheaper_than(refused, drive.instead.get(activation.path, ""))
    if cheaper is not None:
        drive.instead[activation.path] = cheaper
        drive.account.let_off((activation, 0))
    if refused is None or cheaper is not None:
        drive.tasks.pop(activation.path, None)
        drive.queue.appendleft(activation)
    else:
        drive.results.append(Attempt(activation, outcome_of(refused)))
    drive.wake.set()
