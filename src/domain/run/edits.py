"""A run whose state somebody changed from outside."""

from typing import Final

from domain.change import applied
from domain.ids import NodeId, Position
from domain.run.events import StateEdited, StateRestored
from domain.run.state import Activation, RunState

OUTSIDE: Final = NodeId("")
"""Who wrote a channel that an edit from outside changed."""


def edit(run: RunState, event: StateEdited | StateRestored, position: Position) -> None:
    """The root frame has what changed in the channels of its workflow; what the thread holds besides is not the run's: see `fold.edited`.
    What waits there to be started (a pause holds it, or it is tried again later) reads the state anew."""
    root = run.root
    mine = [change for change in event.changes if change.channel in root.graph.graph.channels]
    root.state = applied(root.state, mine)
    for change in mine:
        root.changed[change.channel] = (position, OUTSIDE)
    for activation in root.activations():
        if activation.frame is root and not activation.is_parked and activation.children is None and activation.intent is None:
            _read_anew(activation, position)


def _read_anew(activation: Activation, position: Position) -> None:
    """It has not been begun where anything of it would be left, so it begins with what is there now."""
    activation.read_at, activation.state = position, activation.frame.state
