"""For a process that nobody scrapes: `weft run` and the like. Counts nothing, and loads no Prometheus."""

from domain.ports.queue import QueueDepth
from domain.run.run import Run
from domain.usage import Usage


class Unmetered:
    def run_ended(self, run: Run, seconds: float) -> None: ...

    def node_ended(self, kind: str, seconds: float, *, failed: bool) -> None: ...

    def used(self, workflow: str, usage: Usage) -> None: ...

    def committed(self, rows: int, seconds: float) -> None: ...

    def queue_seen(self, depth: QueueDepth) -> None: ...

    def taken_over(self) -> None: ...

    def render(self) -> tuple[bytes, str]:
        return b"", "text/plain"
