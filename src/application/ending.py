"""How a run comes to its end."""

import structlog

from application import deciding
from application.drive import Drive
from application.spans import run_ended, trace_of
from application.spending import overspent
from application.stopping import stop
from domain.errors import WeftError, failure_of
from domain.run import events
from domain.run.run import RunStatus

log = structlog.get_logger("application.engine")


def end_if_over(drive: Drive) -> bool:
    """Record the run's last row when it is time: the root frame is done, a limit was reached, it was cancelled. First everything that still
    runs is stopped, so that the tokens of interrupted calls are counted before the run is final. True: nothing else is to be derived."""
    state = drive.state
    if state.status is not None:
        return True
    if drive.ending is None and state.root.is_done and state.is_held:
        return False  # a breakpoint behind the last node
    if drive.ending is None and state.root.is_done:
        _fail_if_overspent(drive)
    if drive.ending is None and state.root.is_done:
        drive.ending = _ending(drive)
    if drive.ending is None:
        return False
    for path in [*drive.tasks, *drive.timers]:
        if path in state.active:
            stop(drive, state.active[path])
    if drive.stopping or drive.late or drive.results:
        return True
    drive.record(drive.ending)
    return True


def _fail_if_overspent(drive: Drive) -> None:
    """The call that passed the run's limit was its last one."""
    state = drive.state
    if state.is_cancelling or state.failure is not None or state.root.failure is not None:
        return
    failure = overspent(drive.run)
    if failure is not None:
        drive.record(events.RunFailing(failure))


def _ending(drive: Drive) -> events.RunEnded:
    state, root = drive.state, drive.state.root
    failure = root.failure or state.failure
    if state.is_cancelling:
        return events.RunEnded(RunStatus.CANCELLED.value, None, failure)
    if failure is not None:
        return events.RunEnded(RunStatus.FAILED.value, root.output, failure)
    try:
        output = root.output if root.has_output else deciding.output_of(root, drive.program(root), drive.about)
    except WeftError as error:
        return events.RunEnded(RunStatus.FAILED.value, None, failure_of(error))
    return events.RunEnded(RunStatus.COMPLETED.value, output)


async def finish_run(drive: Drive) -> None:
    """The last append: rows, public row and the place in the queue go together."""
    state = drive.state
    assert state.status is not None, "the last row has been recorded"
    now = drive.tools.clock.now()
    ended = {"output": state.output, "failure": state.failure, "ended_at": now, "waiting_for": (), "parked_at": None, "ending": None}
    drive.run = drive.run.moved(RunStatus(state.status), **ended, steps=state.steps, last=drive.position)
    has_failed = drive.run.status is RunStatus.FAILED
    if has_failed:
        await drive.tools.take_along(drive.run)
    await drive.append(release_at=now.timestamp())
    if has_failed:
        await drive.tools.take_along(drive.run)
    seconds = (now - drive.run.created_at).total_seconds()
    drive.tools.meter.run_ended(drive.run, seconds)
    run_ended(drive.tools.traces, drive.run)
    log.info(
        "run ended",
        run=drive.run.id,
        thread=drive.run.thread,
        workflow=drive.run.workflow,
        status=drive.run.status.value,
        code=state.failure.code if state.failure else None,
        node=state.failure.node if state.failure else None,
        steps=state.steps,
        tokens=drive.run.usage.total_tokens,
        cost=str(drive.run.usage.cost.amount),
        currency=drive.run.usage.cost.currency,
        unpriced=drive.run.usage.unpriced,
        seconds=round(seconds, 6),
        trace=trace_of(drive.run).trace,
    )
