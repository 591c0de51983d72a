"""How a run that has not ended leaves its worker: parked until something comes, or handed back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import inf
from typing import Final, cast

from application.drive import Drive
from application.questions import asked
from domain.json import JsonObject
from domain.ports.feed import PARKED, Passing
from domain.question import ASKING
from domain.run.run import FORGIVEN, RunStatus, Waiting
from domain.run.state import Activation

INSTANT_SECONDS: Final = 0.05
"""To park takes as long."""


async def park_if_idle(drive: Drive, short_seconds: float) -> bool:
    """Let the run go when all that is in flight sleeps for a while or waits for the outside, when it is paused, or when this worker is
    stopping; and nothing runs any more."""
    if drive.tasks or drive.stopping or drive.ending is not None:
        return False
    now = drive.tools.clock.now()
    if drive.is_stopping:
        await drive.append(release_at=now.timestamp())
        return True
    waiting = waiting_for(drive)
    due = _due(drive, waiting)
    if due is None or _is_short(waiting, due - now.timestamp(), short_seconds):
        return False
    drive.run = drive.run.moved(RunStatus.PARKED, waiting_for=waiting, parked_at=now if _is_forgiven(waiting) else None)
    await drive.append(release_at=due)
    drive.tools.feed.pass_by(Passing(drive.run.id, PARKED, ""))
    return True


def _is_short(waiting: Sequence[Waiting], seconds: float, short_seconds: float) -> bool:
    """Is it not worth to park? A question is, however soon its deadline comes: it is shown to be answered."""
    return seconds < (INSTANT_SECONDS if all(one.until is None or one.kind in ASKING for one in waiting) else short_seconds)


def waiting_for(drive: Drive) -> tuple[Waiting, ...]:
    """What keeps the run from going on, a pause first: all that sleeps in memory, is parked, or would be tried again later."""
    held = (Waiting(drive.state.stopped_at or "", "pause"),) if drive.state.is_held else ()
    return held + tuple(_waiting(one) for one in drive.state.active.values() if _is_waiting(drive, one))


def _is_waiting(drive: Drive, activation: Activation) -> bool:
    return activation.is_parked or activation.path in drive.timers or (drive.state.is_held and activation.retry_at is not None)


def _waiting(activation: Activation) -> Waiting:
    if activation.parked_for is None or not activation.is_parked:
        return Waiting(activation.path, "retry", activation.retry_at)
    if activation.is_asking:
        return asked(activation)
    return Waiting(activation.path, activation.parked_for, activation.parked_until, activation.signals, _known(activation))


def _known(activation: Activation) -> JsonObject | None:
    """What is known of a call whose outcome is not."""
    intent = activation.intent
    if intent is None or intent.unknown is None:
        return None
    known = {"tool": intent.tool, "arguments": intent.arguments, "key": intent.key, "reason": intent.unknown, "intended_at": intent.at}
    return cast(JsonObject, {**known, "since": datetime.fromtimestamp(intent.since, UTC).isoformat()})


def _due(drive: Drive, waiting: Sequence[Waiting]) -> float | None:
    """When somebody has to look at the run again; None when something is to be done here."""
    if drive.state.is_held:
        return inf
    if (drive.queue and not drive.is_sequential) or not waiting:
        return None
    if any(one.until is None and one.kind not in FORGIVEN for one in waiting):
        return None
    due = min((one.until for one in waiting if one.until is not None), default=inf)
    return due if _is_forgiven(waiting) else min(due, drive.deadline)


def _is_forgiven(waiting: Sequence[Waiting]) -> bool:
    """The limit of time stands still while a run is parked for what only the outside can end."""
    return any(one.kind in FORGIVEN for one in waiting)
