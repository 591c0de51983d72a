"""On which terms a run is let in: how long it waits, whom it may pass, and with whom it shares a limit."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class OnBusy(StrEnum):
    """What becomes of a start on a thread with an unfinished run. `interrupt`: that one and all before it are cancelled, what they did
    stays; `rollback`: what they did is undone as well."""

    ENQUEUE = "enqueue"
    REJECT = "reject"
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"

    @property
    def cancels(self) -> bool:
        return self in (OnBusy.INTERRUPT, OnBusy.ROLLBACK)


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets through at most `most` runs of its tenant and key: at a time, or in each window of `seconds` where that is said."""

    key: str
    most: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """`head_start`: seconds that its priority is worth in the line. `slot` counts runs that a worker holds, `rate` runs that begin.

    `singleton`: while a run with this key is unfinished, a start answers that one. `debounce`: while a run with this key has not begun,
    a start takes its place in the line anew, with what the newer start asks for. Keys are the tenant's.
    """

    delay_seconds: float = 0.0
    head_start: float = 0.0
    slot: Gate | None = None
    rate: Gate | None = None
    singleton: str | None = None
    debounce: str | None = None
    rejects_busy: bool = False
    """It starts only where no run of its thread is unfinished."""

    @property
    def gates(self) -> tuple[Gate, ...]:
        return tuple(gate for gate in (self.slot, self.rate) if gate is not None)

    @property
    def is_sole(self) -> bool:
        """May it turn out to be a run that is there already?"""
        return self.singleton is not None or self.debounce is not None

    @property
    def is_plain(self) -> bool:
        """Nothing but its priority is special."""
        return not self.delay_seconds and not self.gates and not self.is_sole and not self.rejects_busy


AT_ONCE: Final = Terms()
DELIVERIES: Final = 3
"""So often a run is driven without any progress, before it is taken for poison."""
