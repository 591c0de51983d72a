"""Who listens to which run, in other processes: what nobody wants is not sent."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.ids import RunId

HOLD_SECONDS: Final = 3.0
"""How long a process that said it listens is believed. It says so again every second."""
MOST_RUNS: Final = 10_000
"""Of which we remember who listens."""


@dataclass(slots=True)
class Wants:
    now: Callable[[], float] = time.monotonic
    _until: dict[RunId, dict[str, float]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._until)

    def __contains__(self, run: RunId) -> bool:
        return run in self._until

    def heard(self, process: str, runs: Collection[RunId]) -> None:
        """A process listens to these."""
        until = self.now() + HOLD_SECONDS
        for run in runs:
            if run in self._until or len(self._until) < MOST_RUNS:
                self._until.setdefault(run, {})[process] = until

    def join(self, run: RunId, wanted: RunId) -> None:
        """Whoever listens to `wanted` is taken to listen to this run too, until it says what it wants itself."""
        if run and (run in self._until or len(self._until) < MOST_RUNS):
            for process, until in self._until.get(wanted, {}).items():
                known = self._until.setdefault(run, {})
                known[process] = max(until, known.get(process, until))

    def of(self, run: RunId) -> Sequence[str]:
        """The processes that listen to a run."""
        return tuple(self._until.get(run, ()))

    def forget_old(self) -> None:
        """Those that have not said it again."""
        now = self.now()
        for run, processes in list(self._until.items()):
            kept = {process: until for process, until in processes.items() if until > now}
            if kept:
                self._until[run] = kept
            else:
                del self._until[run]
