"""What came out of the inbox becomes rows. A wish that changes nothing leaves none."""

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from application.drive import Drive
from application.pausing import go_on, hold
from domain.ids import ActivationPath
from domain.json import JsonObject
from domain.run import events

log = structlog.get_logger("application.engine")


def take_wishes(drive: Drive) -> None:
    """In the order in which they arrived."""
    while drive.wishes:
        wish = drive.wishes.popleft()
        drive.taken.append(wish.number)
        take = _TAKES.get(wish.kind)
        if take is None:
            log.error("a wish of another version of Weft is dropped", run=drive.run.id, kind=wish.kind)
        elif drive.ending is None:
            take(drive, wish.body)


def _cancel(drive: Drive, body: JsonObject) -> None:
    if not drive.is_winding_up:
        drive.record(events.CancelRequested(_text(body, "by"), _text(body, "reason")))


def _pause(drive: Drive, body: JsonObject) -> None:
    if not drive.is_winding_up and not drive.state.is_paused:
        drive.record(events.PauseRequested(_text(body, "by"), _text(body, "reason")))
        hold(drive)


def _resume(drive: Drive, body: JsonObject) -> None:
    if drive.state.is_held:
        drive.record(events.Resumed(_text(body, "by")))
        go_on(drive)


def _signal(drive: Drive, body: JsonObject) -> None:
    transient = body.get("transient") is True
    drive.record(events.SignalReceived(_text(body, "name"), body.get("payload"), transient, _text(body, "by")))


def _outcome(drive: Drive, body: JsonObject) -> None:
    """A worker that lost the run tells what became of a call that may happen only once."""
    _settle_intent(drive, body, "the worker that made the call", key=_text(body, "key"))


def _resolve(drive: Drive, body: JsonObject) -> None:
    _settle_intent(drive, body, _text(body, "by"))


def _settle_intent(drive: Drive, body: JsonObject, by: str, key: str | None = None) -> None:
    activation = drive.state.active.get(ActivationPath(_text(body, "activation")))
    if activation is None or activation.intent is None or activation.intent.resolved is not None:
        return
    if key is None and (activation.intent.unknown is None or body.get("intended_at") != activation.intent.at):
        return  # somebody decided, or it was tried again meanwhile
    if key in (None, activation.intent.key):
        decision, reason = _text(body, "decision"), _text(body, "reason")
        drive.record(events.EffectResolved(activation.path, activation.intent.effect, decision, by, body.get("output"), reason))


def _text(body: JsonObject, name: str) -> str:
    return str(body.get(name, ""))


_TAKES: Final[Mapping[str, Callable[[Drive, JsonObject], None]]] = {
    "cancel": _cancel,
    "pause": _pause,
    "resume": _resume,
    "signal": _signal,
    "outcome": _outcome,
    "resolve": _resolve,
}
