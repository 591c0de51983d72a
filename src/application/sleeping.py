"""Activations that sleep in memory: short waits, backoffs, and long waits whose time comes while the run is here anyway."""

import asyncio

from application.attempts import Attempt
from application.drive import Drive
from domain.ports.nodes import Finished
from domain.run.state import Activation

SHORT_SECONDS = 5.0
"""Sleeps and backoffs below this do not park."""
WOKEN: dict[str, str | None] = {"woke_by": "timer", "payload": None}


def sleep(drive: Drive, activation: Activation, until: float) -> None:
    def due() -> None:
        drive.timers.pop(activation.path, None)
        _woken(drive, activation)
        drive.wake.set()

    drive.timers[activation.path] = asyncio.get_running_loop().call_later(max(until - drive.now(), 0.0), due)


def _woken(drive: Drive, activation: Activation) -> None:
    """A wait is over, or a backoff: the first finishes the node with the state as it is now, the second tries again."""
    if activation.retry_at is not None and activation.parked_for is None:
        activation.retry_at = None
        drive.queue.append(activation)
        return
    activation.state, activation.read_at = activation.frame.state, drive.position
    drive.results.append(Attempt(activation, Finished(dict(WOKEN))))
