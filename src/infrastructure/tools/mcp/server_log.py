"""What a server writes on its standard error, in our log: bounded in each line and in how many."""

import logging
import time
from collections.abc import Callable
from typing import Final

from domain.ports.secrets import Redact
from infrastructure.tools.mcp.texts import one_line

LONGEST: Final = 1_000
LINES: Final = 50
WINDOW_SECONDS: Final = 10.0
log = logging.getLogger(__name__)


class ServerLog:
    """`LINES` in `WINDOW_SECONDS`; of the others their number is told with the next window."""

    def __init__(self, server: str, redact: Redact, now: Callable[[], float] = time.monotonic) -> None:
        self._server, self._redact, self._now = server, redact, now
        self._since, self._said, self._dropped = now(), 0, 0

    def say(self, line: str) -> None:
        if self._now() - self._since >= WINDOW_SECONDS:
            self._next_window()
        if self._said >= LINES:
            self._dropped += 1
            return
        self._said += 1
        text = one_line(self._redact(line[: LONGEST * 2]), LONGEST)
        if text:
            log.info("mcp server %s: %s", self._server, text)

    def _next_window(self) -> None:
        if self._dropped:
            log.warning("mcp server %s: %d more lines are not shown", self._server, self._dropped)
        self._since, self._said, self._dropped = self._now(), 0, 0
