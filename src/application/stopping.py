"""Stopping what runs: one activation that is no longer wanted, or all that a drive leaves behind."""

import asyncio

import structlog

from application.account import Call
from application.attempts import Attempt
from application.drive import Drive
from application.intents import ANSWER_SECONDS, file_outcomes, once_calls
from domain.errors import DatabaseError
from domain.ids import ActivationPath
from domain.ports.nodes import Finished
from domain.run.state import Activation
from domain.usage import Usage

log = structlog.get_logger("application.engine")
GRACE_SECONDS = 2.0
"""How long a run waits for a cancelled call to say what it used."""
COUNTING_TRIES = 35
"""A minute: what was spent is written down also when the store is away just then."""


def stop(drive: Drive, activation: Activation) -> None:
    """Nothing more is wanted of this activation. Its task is in `drive.stopping` until it has ended or the grace is over."""
    drive.recalled.pop(activation.path, None)
    timer = drive.timers.pop(activation.path, None)
    if timer is not None:
        timer.cancel()
    task = drive.tasks.pop(activation.path, None)
    if task is not None:
        task.cancel()
        drive.stopping.add(task)
        grace = asyncio.get_running_loop().call_later(GRACE_SECONDS, _give_up, drive, task, activation.path)
        task.add_done_callback(lambda task: _stopped(drive, task, activation, grace))
    else:
        drive.account.let_off((activation, 0))


def _stopped(drive: Drive, task: asyncio.Task[None], activation: Activation, grace: asyncio.TimerHandle) -> None:
    grace.cancel()
    drive.stopping.discard(task)
    if (activation, 0) in drive.account.begun or (activation, 0) in drive.account.granted:
        drive.late.append(((activation, 0), None))
    drive.wake.set()


def _give_up(drive: Drive, task: asyncio.Task[None], path: ActivationPath) -> None:
    log.warning("a node does not stop; going on without it", run=drive.run.id, activation=path, seconds=GRACE_SECONDS)
    drive.stopping.discard(task)
    drive.wake.set()


async def stop_all(drive: Drive) -> None:
    """Stop what still runs, and wait until it has stopped, so that nothing runs beside whoever takes the run next. Calls that may happen
    only once have their time when the run was taken away: whoever has it now is told their answers."""
    for timer in drive.timers.values():
        timer.cancel()
    calls = once_calls(drive) if drive.is_lost else set()
    left = {*drive.tasks.values(), *drive.stopping} - calls
    if drive.flushing is not None:
        left.add(drive.flushing)
        drive.flushing.add_done_callback(lambda flushing: flushing.cancelled() or flushing.exception())
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=GRACE_SECONDS)
    if calls:
        await asyncio.wait(calls, timeout=ANSWER_SECONDS)
        for call in calls:
            call.cancel()
    if drive.is_lost:
        await file_outcomes(drive)
    await _count_what_was_spent(drive)


async def _count_what_was_spent(drive: Drive) -> None:
    """Tokens are counted where the call was made, also by a worker that may append nothing any more; the ledger takes each line once."""
    for call, usage in [*(((attempt.activation, 0), _used(attempt)) for attempt in drive.results), *drive.late]:
        if usage is None:
            drive.account.let_off(call)
        else:
            drive.bill(call, usage, call[0].attempt)
    drive.late.clear()
    for call in [*drive.account.held, *drive.account.begun]:
        _give_account(drive, call)
    await _write_what_was_spent(drive)
    drive.account.keep_holds()


async def _write_what_was_spent(drive: Drive) -> None:
    unkept = drive.account.unkept
    if not unkept:
        return
    pause = 0.05
    for _ in range(COUNTING_TRIES):
        try:
            rows = list(unkept.values())
            await drive.tools.ledger.count(rows)
            drive.account.kept(rows)
            return
        except DatabaseError as error:
            log.warning("tokens are not counted yet", run=drive.run.id, lines=len(unkept), reason=error.message, pause=pause)
        await drive.tools.clock.sleep(pause)
        pause = min(pause * 2, 2.0)
    log.error("tokens could not be counted", run=drive.run.id, lines=len(unkept))


def _give_account(drive: Drive, call: Call) -> None:
    """Of one that said nothing: it never began, was stopped before it used anything, or does not stop."""
    task = drive.tasks.get(call[0].path)
    if call in drive.account.begun and (task is None or not task.done()):
        drive.account.lose(call)
    else:
        drive.account.let_off(call)


def _used(attempt: Attempt) -> Usage | None:
    """By a call that came to its end, and whose result nobody takes any more."""
    return attempt.outcome.usage if isinstance(attempt.outcome, Finished) else attempt.usage
