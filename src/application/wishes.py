"""What came out of the inbox becomes rows. A wish that changes nothing leaves none."""

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from application.attempts import Attempt
from application.budgets.refusing import STOP
from application.deadlines import is_asked
from application.drive import Drive
from application.pausing import go_on, hold
from application.questions import ANSWER, given_of
from application.stopping import stop
from domain.errors import BudgetExceeded
from domain.ids import ActivationPath
from domain.json import JsonObject
from domain.ports.inbox import UNDO
from domain.question import BUDGET
from domain.run import events
from domain.run.state import Intent

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
    if not drive.is_winding_up or drive.state.is_held:
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
    """One that came already under its key changes nothing, however long after its inbox row is gone."""
    name, key, transient = _text(body, "name"), _text(body, "key"), body.get("transient") is True
    if not key or key not in drive.state.signal_keys:
        drive.record(events.SignalReceived(name, body.get("payload"), transient, _text(body, "by"), key))


def _answer(drive: Drive, body: JsonObject) -> None:
    given = given_of(body)
    activation = drive.state.named(given.activation)
    if activation is None or not is_asked(drive, activation, given.asked_at):
        log.info("an answer came to what is not asked any more", run=drive.run.id, activation=given.activation)
        return
    stop(drive, activation)
    if activation.parked_for == BUDGET and given.answer == STOP:
        drive.results.append(Attempt(activation, BudgetExceeded(f"{given.by} stopped it: a budget has no room for its call")))
    else:
        drive.record(events.Answered(activation.path, given.answer, given.by))


def _outcome(drive: Drive, body: JsonObject) -> None:
    """A worker that lost the run tells what became of a call that may happen only once."""
    intent = _open_intent(drive, body)
    if intent is None:
        log.warning("an answer came after it was decided", run=drive.run.id, activation=_text(body, "activation"))
    else:
        _settle_intent(drive, intent, body, "the worker that made the call", as_made=True)


def _resolve(drive: Drive, body: JsonObject) -> None:
    intent = _open_intent(drive, body)
    if intent is not None and intent.unknown is not None:
        _settle_intent(drive, intent, body, _text(body, "by"))


def _open_intent(drive: Drive, body: JsonObject) -> Intent | None:
    """The call that is meant; None when somebody decided about it, or when it is made again meanwhile (under the same key)."""
    activation = drive.state.named(_text(body, "activation"))
    intent = None if activation is None else activation.intent
    return None if intent is None or intent.resolved is not None or intent.at != body.get("intended_at") else intent


def _settle_intent(drive: Drive, intent: Intent, body: JsonObject, by: str, *, as_made: bool = False) -> None:
    path, decision, reason = ActivationPath(_text(body, "activation")), _text(body, "decision"), _text(body, "reason")
    code = _text(body, "code")
    drive.record(events.EffectResolved(path, intent.effect, decision, by, body.get("output"), reason, code, as_made))


def _undo(drive: Drive, body: JsonObject) -> None:
    """Done before the run's first row. One that came later finds nothing that stood in the run's way."""


def _text(body: JsonObject, name: str) -> str:
    return str(body.get(name, ""))


_TAKES: Final[Mapping[str, Callable[[Drive, JsonObject], None]]] = {
    "cancel": _cancel,
    "pause": _pause,
    "resume": _resume,
    "signal": _signal,
    ANSWER: _answer,
    "outcome": _outcome,
    "resolve": _resolve,
    UNDO: _undo,
}
