"""What tools in processes of their own say while they run: their progress and their log lines, through one pipe for all.

Each is one short line, written at once or, when nobody reads fast enough, not at all: a process that is killed leaves nothing half said.
"""

import itertools
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, ClassVar, Final

import orjson

from domain.words import shown
from infrastructure.tools.lines import LOGGERS

AT_ONCE: Final = 4_096
"""So many bytes are written to a pipe at once or not at all (POSIX)."""
_ABOUT: Final = ("tool", "tenant", "run", "activation")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """Progress of one call, in its process."""

    call: int

    def __call__(self, text: str) -> None:
        Mouth.say({"call": self.call}, str(text))


class Mouth(logging.Handler):
    """In a process of tools: where its log lines go."""

    pipe: ClassVar[Connection | None] = None

    def emit(self, record: logging.LogRecord) -> None:
        about = {name: getattr(record, name, None) for name in _ABOUT}
        self.say({"level": record.levelno, "name": record.name, "about": about}, self.format(record))

    @classmethod
    def say(cls, about: dict[str, Any], text: str) -> None:
        line = _line({**about, "text": text})
        try:
            if cls.pipe is not None:
                os.write(cls.pipe.fileno(), line)
        except OSError:  # full, or nobody is there any more
            return


def _line(said: dict[str, Any]) -> bytes:
    """As short as it must be: every text in it is cut."""
    most = AT_ONCE
    line = orjson.dumps(_cut(said, most)) + b"\n"
    while len(line) > AT_ONCE:
        most //= 2
        line = orjson.dumps(_cut(said, most)) + b"\n"
    return line


def _cut(said: dict[str, Any], most: int) -> dict[str, Any]:
    return {
        name: _cut(one, most) if isinstance(one, dict) else shown(one, most) if isinstance(one, str) else one for name, one in said.items()
    }


def open_mouth(pipe: Connection, level: int) -> None:
    """The first thing that a process of tools does."""
    os.set_blocking(pipe.fileno(), False)
    Mouth.pipe = pipe
    logging.getLogger(LOGGERS).setLevel(level)
    logging.getLogger().handlers[:] = [Mouth()]


@dataclass(slots=True)
class Ears:
    """In the process that calls."""

    pipe: Connection
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _hearers: dict[int, Callable[[str], None]] = field(default_factory=dict)

    def listen(self) -> None:
        threading.Thread(target=self._listen, name="tools-in-processes", daemon=True).start()

    @contextmanager
    def hearing(self, tell: Callable[[str], None]) -> Iterator[Told]:
        number = next(self._numbers)
        self._hearers[number] = tell
        try:
            yield Told(number)
        finally:
            del self._hearers[number]

    def _listen(self) -> None:
        with os.fdopen(os.dup(self.pipe.fileno()), "rb") as lines:
            for line in lines:
                try:
                    self._hear(orjson.loads(line))
                except Exception:  # what a process of tools says is not ours to trust, and nobody else would hear the next line
                    log.warning("a tool in a process said what cannot be understood", exc_info=True)

    def _hear(self, said: dict[str, Any]) -> None:
        if "call" in said:
            tell = self._hearers.get(said["call"])
            if tell is not None:
                tell(said["text"])
        elif str(said["name"]).startswith(LOGGERS) or said["level"] >= logging.WARNING:
            logging.getLogger(said["name"]).log(said["level"], "%s", said["text"], extra=said["about"])
