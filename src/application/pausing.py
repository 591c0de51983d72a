"""Pause and resume of a run that is in hand: what sleeps is laid aside, and taken up again."""

from application.drive import Drive
from application.sleeping import rest


def hold(drive: Drive) -> None:
    """Nothing wakes by itself any more. What would be tried again, or sleeps for a moment only, is next in the queue then."""
    for path in list(drive.timers):
        drive.timers.pop(path).cancel()
        activation = drive.state.active.get(path)
        if activation is not None and not activation.is_parked:
            drive.queue.append(activation)


def go_on(drive: Drive) -> None:
    """What is parked until a time sleeps towards it once more; the queue goes on by itself."""
    for activation in drive.state.active.values():
        if activation.is_parked:
            rest(drive, activation)
