"""What is measured. Labels are bounded by the adapter."""

from typing import Protocol

from domain.ports.queue import QueueDepth
from domain.run.run import Run
from domain.usage import Usage


class Meter(Protocol):
    def run_ended(self, run: Run, seconds: float) -> None: ...

    def node_ended(self, kind: str, seconds: float, *, failed: bool) -> None: ...

    def used(self, workflow: str, usage: Usage) -> None: ...

    def committed(self, rows: int, seconds: float) -> None:
        """One journal batch."""

    def queue_seen(self, depth: QueueDepth) -> None: ...

    def taken_over(self) -> None: ...
