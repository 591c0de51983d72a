"""Signals and those that wait for them. A signal wakes one activation at most, and none is lost: what nobody waits for is kept."""

from domain.ids import Position
from domain.run.state import Activation, RunState, Signal


def receive(run: RunState, signal: Signal, position: Position, *, keep: bool) -> None:
    """Give it to the one that has been parked longest of those that wait for its name."""
    for activation in run.listening.values():
        if signal.name in activation.signals:
            return _wake(run, activation, signal, position)
    if keep:
        run.kept.append(signal)
    return None


def listen(run: RunState, activation: Activation, names: tuple[str, ...], position: Position) -> None:
    """From now on a signal of these names wakes it; the oldest one that was kept does so at once."""
    activation.signals = names
    for at, signal in enumerate(run.kept):
        if signal.name in names:
            del run.kept[at]
            return _wake(run, activation, signal, position)
    run.listening[activation.path] = activation
    return None


def unpark(run: RunState, activation: Activation) -> None:
    """It is tried again. The signal that woke it stays its own, and so does an answer: they would not come a second time."""
    run.listening.pop(activation.path, None)
    activation.parked_for = activation.parked_until = None
    activation.about = None


def _wake(run: RunState, activation: Activation, signal: Signal, position: Position) -> None:
    """It reads the state as it is now, at the row that woke it."""
    run.listening.pop(activation.path, None)
    activation.woken_by = signal
    activation.read_at, activation.state = position, activation.frame.state
    run.woken.append(activation)
