"""Effects that happen at most once: what was intended, what is not known, and what somebody decided about it."""

from domain.errors import Failure
from domain.ids import Position
from domain.run import events
from domain.run.state import Activation, Intent, Kept, RunState

NEEDS_ATTENTION = "needs_attention"


def intend(run: RunState, event: events.EffectIntended, position: Position) -> None:
    activation = run.active[event.activation]
    activation.intent = Intent(event.effect, event.key, event.tool, event.arguments, position, digest=event.digest)


def keep(run: RunState, event: events.EffectFinished, position: Position) -> None:
    """One of several calls. What failed is not kept: it is made again, should the node be."""
    activation = run.active[event.activation]
    if activation.intent is not None and activation.intent.effect == event.effect:
        activation.intent = None
    if event.failure is None:
        activation.effects[event.effect] = Kept(event.digest, event.output)


def lose_sight(run: RunState, event: events.EffectUnknown, position: Position) -> None:
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
    is_to_be_made = event.decision in (events.DID_NOT_HAPPEN, events.NOT_MADE)
    if is_to_be_made or event.effect:
        if not is_to_be_made:
            activation.effects[event.effect] = Kept(activation.intent.digest, event.output, _failure(event), is_decided=not event.as_made)
        activation.intent = None
        if activation not in run.ready:
            run.ready.append(activation)
        return  # the next call asks under the same key, and so the same question of the same state
    activation.read_at, activation.state = position, activation.frame.state
    activation.intent.resolved = event
    run.decided.append(activation)


def _failure(event: events.EffectResolved) -> Failure | None:
    if event.decision == events.HAPPENED:
        return None
    return Failure(event.code or "unknown_outcome", event.reason or f"{event.by} decided that it failed")


def forget(activation: Activation, *, anew: bool) -> None:
    """It is tried again, under a new intent. `anew`: with all its calls."""
    activation.intent = None
    if anew:
        activation.effects.clear()
