"""Activations that ask a person: from the row that says so to the one answer."""

from domain.ids import Position
from domain.json import Json, JsonObject
from domain.question import BUDGET, Answer
from domain.run.state import Activation, RunState


def ask(run: RunState, activation: Activation, about: JsonObject, position: Position) -> None:
    """What was answered to another question before stays, where a budget asks."""
    activation.about, activation.asked_at = about, position
    if activation.parked_for != BUDGET:
        activation.answer = None
    run.listening[activation.path] = activation


def answer(run: RunState, activation: Activation, value: Json, by: str, position: Position) -> None:
    """It goes on, and reads the state as it is now, at the row that holds the answer."""
    assert activation.about is not None, "only what was asked is answered"
    run.listening.pop(activation.path, None)
    if activation.parked_for != BUDGET:
        activation.answer = Answer(value, by, activation.about)
    activation.about = None
    activation.parked_for = activation.parked_until = None
    activation.read_at, activation.state = position, activation.frame.state
    if activation in run.ready:
        run.ready.remove(activation)  # a run that was just loaded has not looked at it yet
    run.answered.append(activation)
