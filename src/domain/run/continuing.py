"""A run that goes on from where another one was: with its frames and tokens, what was in flight there anew."""

from dataclasses import replace

from domain.ids import Position
from domain.run.events import RunContinued
from domain.run.fold import resume
from domain.run.state import Activation, RunState


def go_on_as(run: RunState, event: RunContinued, position: Position) -> RunState:
    """The state after the first row of the run that goes on. `run`: the other one's there; it becomes the new one's.

    Its time begins anew; a pause and the breakpoints were the other one's. A signal that came and an answer that was given stay, and
    what somebody decided stays decided. A call that may happen only once, and whose outcome is not known there, stays open: whoever
    executes it asks.
    """
    run.started = replace(run.started, run=event.run, at=event.since, pause_before=(), pause_after=())
    run.position, run.is_paused, run.forgiven = position, False, 0.0
    run.listening.clear()
    run.stopped.clear()
    run.stopped_at = None
    for activation in run.active.values():
        if activation.children is None and activation.intent is None and activation.woken_by is None:
            _begin_anew(activation)
    return resume(run)


def is_ending(run: RunState) -> bool:
    """Nothing would go on from here: it fails, is cancelled, or has come to its end."""
    return run.is_cancelling or run.failure is not None or run.root.is_undoing or run.root.is_done


def _begin_anew(activation: Activation) -> None:
    """What it waited for, and how often it was tried, was the other run's."""
    activation.attempt, activation.retry_at = 1, None
    activation.parked_for, activation.parked_until, activation.parked_output = None, None, None
    activation.signals, activation.about = (), None
