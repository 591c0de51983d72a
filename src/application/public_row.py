"""What the public row of a run says beside its end: that it is ending, held up, or waiting for somebody."""

from dataclasses import replace

from application.questions import all_asked
from domain.run.run import Run, RunStatus
from domain.run.state import RunState


def as_it_stands(run: Run, state: RunState, *, has_asked: bool) -> Run:
    """The same object where nothing is new. `has_asked`: the row says what is asked, also while the run is running."""
    if state.root.is_undoing and run.ending is None and state.status is None:
        run = replace(run, ending=RunStatus.CANCELLED if state.is_cancelling else RunStatus.FAILED)
    if run.paused != state.is_held:
        run = replace(run, paused=state.is_held)
    if has_asked and run.status is RunStatus.RUNNING and (asked := all_asked(state)) != run.waiting_for:
        run = replace(run, waiting_for=asked)
    return run
