"""Breakpoints that a run was started with: it is paused before or after the visits of a node, once at each."""

from application.drive import Drive
from application.pausing import hold
from domain.ids import ActivationPath
from domain.run import events
from domain.run.state import Activation

BREAKPOINT = "breakpoint"
"""Who paused the run."""


def stops_before(drive: Drive, activation: Activation) -> bool:
    """True: the run is paused, and this activation is the first that goes on."""
    if activation.node not in drive.state.started.pause_before or activation.path in drive.state.stopped or activation.undoes is not None:
        return False
    drive.queue.appendleft(activation)
    _stop(drive, activation.path, "before")
    return True


def stop_after(drive: Drive, activation: Activation) -> None:
    """It is over by now. A run that is paused anyway is not paused once more."""
    state = drive.state
    if activation.node in state.started.pause_after and activation.undoes is None and not state.is_paused and not state.root.is_undoing:
        _stop(drive, activation.path, "after")


def _stop(drive: Drive, path: ActivationPath, when: str) -> None:
    drive.record(events.PauseRequested(BREAKPOINT, f"{when} {path}", path))
    hold(drive)
    drive.rows_first = True  # whoever asked for it sees it now
