"""Effects that happen at most once: what was intended, what is not known, and what somebody decided about it."""

from domain.ids import Position
from domain.run import events
from domain.run.state import Activation, Intent, RunState

NEEDS_ATTENTION = "needs_attention"


def intend(run: RunState, event: events.EffectIntended, position: Position) -> None:
    activation = run.active[event.activation]
    activation.intent = Intent(event.effect, event.key, event.tool, event.arguments, position)


def lose_sight(run: RunState, event: events.EffectUnknown) -> None:
    """Nothing goes on from here before somebody decides. Of an activation that is no longer wanted the row is all there is."""
    activation = run.active.get(event.activation)
    if activation is None or activation.intent is None:
        return
    activation.intent.unknown, activation.intent.since = event.reason, event.at
    activation.parked_for, activation.parked_until = NEEDS_ATTENTION, None


def resolve(run: RunState, event: events.EffectResolved, position: Position) -> None:
    activation = run.active.get(event.activation)
    if activation is None or activation.intent is None:
        return
    activation.parked_for = None
    if event.decision in (events.DID_NOT_HAPPEN, events.NOT_MADE):
        activation.intent = None
        if activation not in run.ready:
            run.ready.append(activation)
        return  # the next call asks under the same key, and so the same question of the same state
    activation.read_at, activation.state = position, activation.frame.state
    activation.intent.resolved = event
    run.decided.append(activation)


def forget(activation: Activation) -> None:
    """It is tried again, under a new intent."""
    activation.intent = None
