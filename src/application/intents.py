"""Calls that may happen at most once: announced by a durable row, and made again only when somebody says that they did not happen."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from application.attempts import Attempt
from application.deciding import NEVER, RetryPolicy
from application.drive import Drive
from domain.errors import DatabaseError, NodeExecutionError, WeftError, failure_of
from domain.ids import Position
from domain.json import Json
from domain.ports.nodes import Finished, Intended, NodeContext
from domain.run import events
from domain.run.state import Activation, Intent

log = structlog.get_logger("application.engine")
ANSWER_SECONDS: Final = 30.0
"""How long a worker that lost a run waits for the answers of such calls, to tell the one who has it now."""
FRESH_SECONDS: Final = 2.0
"""An intent that took longer to become durable is announced once more: a worker that was stopped for so long may have lost the run, and is
refused then."""
LOST: Final = "the worker that made the call was lost before its answer was kept"
UNWANTED: Final = "it was under way when it was no longer wanted"
LET_GO: Final = "the run was let go of before the call was made"


class DecidedFailed(NodeExecutionError):
    """Somebody decided that a call whose outcome was unknown failed."""

    is_answer = True


def may_call(drive: Drive, activation: Activation, intend: Callable[[NodeContext], Intended], context: NodeContext) -> bool:
    """Is everything said that must be durable before the call? Otherwise it is recorded here, and asked again when it is durable.

    Raises what working out the arguments raises.
    """
    now = drive.tools.clock.monotonic()
    announced = drive.announced.get(activation.path)
    assert announced is not None or activation.intent is None, "what was lost sight of is not called"
    is_stale = announced is not None and now - announced > FRESH_SECONDS
    if (activation.intent is None or is_stale) and drive.has_more:
        drive.queue.appendleft(activation)
        drive.rows_first = True  # what came in may be that it is not wanted any more
        return False
    if activation.intent is None or is_stale:
        intended = intend(context)
        drive.record(events.EffectIntended(activation.path, 0, context.idempotency_key(), intended.tool, intended.arguments))
        drive.announced[activation.path] = now
        drive.queue.appendleft(activation)
        drive.rows_first = True
        return False
    del drive.announced[activation.path]
    return True


def is_lost_sight_of(drive: Drive, activation: Activation) -> bool:
    """Was it announced by a worker before this one? Then somebody is to say what became of it."""
    if activation.intent is None or activation.path in drive.announced:
        return False
    leave_open(drive, activation, activation.intent, LOST)
    return True


def take_back(drive: Drive) -> bool:
    """Calls that were announced and not made yet are left to whoever goes on with the run. True: there was one."""
    waiting = [one for one in drive.queue if one.path in drive.announced and drive.state.active.get(one.path) is one]
    drive.announced.clear()
    for activation in waiting:
        assert activation.intent is not None
        drive.queue.remove(activation)
        drive.record(events.EffectResolved(activation.path, activation.intent.effect, events.NOT_MADE, "weft", None, LET_GO))
    return bool(waiting)


def leave_open(drive: Drive, activation: Activation, intent: Intent, reason: str) -> None:
    drive.record(events.EffectUnknown(activation.path, intent.effect, reason, drive.now()))


def is_unknown(attempt: Attempt) -> bool:
    """It was to happen at most once, and its error does not tell whether it did."""
    return attempt.activation.intent is not None and isinstance(attempt.outcome, WeftError) and not _is_answer(attempt.outcome)


def _is_answer(error: WeftError) -> bool:
    return bool(getattr(error, "is_answer", False))


def lose_sight(drive: Drive, attempt: Attempt) -> None:
    assert attempt.activation.intent is not None
    assert isinstance(attempt.outcome, WeftError)
    reason = f"{attempt.outcome.code}: {attempt.outcome.message}"
    leave_open(drive, attempt.activation, attempt.activation.intent, reason)
    log.warning("a call's outcome is unknown", run=drive.run.id, activation=attempt.activation.path, reason=reason)


def leave_unknown(drive: Drive, activation: Activation) -> None:
    """The activation was withdrawn: what it may have done is journaled."""
    intent = activation.intent
    if intent is not None and intent.unknown is None and intent.resolved is None:
        leave_open(drive, activation, intent, UNWANTED)


def decided(activation: Activation) -> Attempt:
    """What somebody's decision makes of an activation."""
    assert activation.intent is not None
    resolved = activation.intent.resolved
    assert resolved is not None
    if resolved.decision == events.HAPPENED:
        return Attempt(activation, Finished(resolved.output))
    reason = resolved.reason or f"{resolved.by} decided that it failed"
    return Attempt(activation, DecidedFailed(reason, resolved.code or "unknown_outcome"))


def retries_after(drive: Drive, attempt: Attempt) -> RetryPolicy:
    """A refusal of what may happen only once is tried again where `retry.codes` names it, not because it says that it may be; what somebody
    decided is not tried again."""
    activation = attempt.activation
    if activation.intent is None:
        return drive.tools.retries
    assert isinstance(attempt.outcome, WeftError)
    is_named = attempt.outcome.code in activation.frame.graph.nodes[activation.index].retry.codes
    return drive.tools.retries if is_named and not activation.is_decided else NEVER


def once_calls(drive: Drive) -> set["asyncio.Task[None]"]:
    """Those under way."""
    active = drive.state.active
    return {task for path, task in drive.tasks.items() if path in active and active[path].intent is not None}


async def file_outcomes(drive: Drive) -> None:
    """Whoever has the run now gets to know what became of the calls that this worker made, and could not write down any more."""
    for attempt in drive.results:
        keep_answer(drive, attempt)
    lease = drive.lease
    for at, body in drive.answers:
        if at <= drive.durable:
            continue
        key = f"outcome {body['activation']} {body['intended_at']}"
        try:
            await drive.tools.inbox.put(lease.tenant, lease.thread, lease.run, "outcome", body, key)
        except DatabaseError as error:
            log.error("an outcome could not be told", run=lease.run, activation=body["activation"], reason=error.message)


def keep_answer(drive: Drive, attempt: Attempt) -> None:
    """Until the row that is recorded next, which tells it, is durable."""
    intent = attempt.activation.intent
    if intent is None or intent.resolved is not None or is_unknown(attempt):
        return
    body: dict[str, Json] = {"activation": attempt.activation.path, "intended_at": intent.at, **_told(attempt)}
    drive.answers.append((Position(drive.position + 1), body))


def _told(attempt: Attempt) -> dict[str, Json]:
    if isinstance(attempt.outcome, Finished):
        return {"decision": events.HAPPENED, "output": attempt.outcome.output}
    assert isinstance(attempt.outcome, WeftError)
    failure = failure_of(attempt.outcome)
    return {"decision": events.FAILED, "reason": failure.message, "code": failure.code}
