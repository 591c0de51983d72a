"""Activations that wait: by a row, or in memory for short waits, backoffs, and long ones whose time comes while the run is here anyway."""

import asyncio
from collections.abc import Callable

from application.attempts import Attempt
from application.deadlines import decide
from application.drive import Drive
from domain.json import Json
from domain.ports.nodes import Finished, Park
from domain.run import events
from domain.run.state import Activation
from domain.sizes import check_value

SHORT_SECONDS = 5.0
"""Sleeps and backoffs below this do not park."""


def park(drive: Drive, activation: Activation, outcome: Park) -> None:
    """By a row, but for a short sleep that only time can end, and that nobody holds up."""
    until, question = outcome.until, outcome.question
    if until is not None and not outcome.signals and question is None and not drive.state.is_held and until - drive.now() < SHORT_SECONDS:
        return sleep(drive, activation, until, outcome.output)
    about = None if question is None else question.as_json()
    check_value([outcome.output, about], "/output")
    drive.has_asked = drive.has_asked or about is not None
    drive.record(events.NodeParked(activation.path, outcome.waiting_for, until, outcome.output, outcome.signals, about))
    if activation.is_parked:
        rest(drive, activation)
    return None


def rest(drive: Drive, activation: Activation) -> None:
    """It is parked: until its time, where it has one and the run is not held."""
    until = activation.parked_until
    if until is None or drive.state.is_held or drive.state.active.get(activation.path) is not activation:
        return None
    if activation.is_asking:
        return _at(drive, activation, until, lambda: decide(drive, activation))
    sleep(drive, activation, until, activation.parked_output)
    return None


def sleep(drive: Drive, activation: Activation, until: float, output: Json) -> None:
    """The node finishes with `output` when its time comes, and reads the state as it is then."""
    _at(drive, activation, until, lambda: drive.results.append(Attempt(activation, Finished(output), woken=True)))


def back_off(drive: Drive, activation: Activation, until: float) -> None:
    """The node is tried again when its time comes."""

    def again() -> None:
        activation.retry_at = None
        drive.queue.append(activation)

    _at(drive, activation, until, again)


def _at(drive: Drive, activation: Activation, until: float, then: Callable[[], None]) -> None:
    def due() -> None:
        drive.timers.pop(activation.path, None)
        then()
        drive.wake.set()

    drive.timers[activation.path] = asyncio.get_running_loop().call_later(max(until - drive.now(), 0.0), due)
