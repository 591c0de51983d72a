"""`weft` with a look at where its time goes: python -m benchmarks.sampled FILE ARGUMENTS...

At SIGUSR1 the samples begin, at SIGUSR2 they end and are written to FILE as JSON, by part. As benchmarks.profile counts them: at every
tick of the clock that counts the time a process has worked, the innermost frame of Weft's own code.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

import weft

EVERY_SECONDS: Final = 0.001
SOURCE: Final = f"{Path(__file__).parent.parent / 'src'}/"
LOOP: Final = "event loop and uvicorn: sockets read, tasks woken"
OTHER: Final = "the rest: the runs' own steps, storing them, background tasks"
PROVIDER: Final = "aiohttp and its lines: reading the provider"
WAITING: Final = "feed: a reader waits and is woken"
BATCHES: Final = "batches of one reader"
WRITTEN: Final = "the event as JSON"
PARTS: Final = (
    # The first that a function's file below src, and its name, begin with.
    ("infrastructure/models/events", PROVIDER),
    ("infrastructure/models/openai", PROVIDER),
    ("infrastructure/models", "the adapter: pieces of an answer"),
    ("infrastructure/secrets", "secrets taken out of what is said"),
    ("infrastructure/telemetry", "time to the first piece"),
    ("application/executing.py:say", "feed: to the readers of a run"),
    ("infrastructure/feed", "feed: to the readers of a run"),
    ("infrastructure/listener", WAITING),
    ("infrastructure/channel", WAITING),
    ("application/batches", BATCHES),
    ("application/following", BATCHES),
    ("application/run_views", WRITTEN),
    ("interface/rest/stream.py:flushes", WRITTEN),
    ("interface/rest/stream.py:encoded", WRITTEN),
    ("interface/rest", "sent: starlette, uvicorn and the socket"),
    ("interface/cli", LOOP),
    ("weft.py", LOOP),
)


def part_of(frame: FrameType | None) -> str:
    """The part at work; what a library does counts for the part that called it."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(SOURCE):
            at = f"{file.removeprefix(SOURCE)}:{frame.f_code.co_name}"
            return next((part for begin, part in PARTS if at.startswith(begin)), OTHER)
        frame = frame.f_back
    return LOOP


def sampled(file: Path) -> None:
    """From now on signals begin and end the samples."""
    samples: Counter[str] = Counter()

    def begin(*_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def end(*_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        partly = file.with_suffix(".part")
        partly.write_text(json.dumps(samples))
        partly.rename(file)

    def sample(_: int, frame: FrameType | None) -> None:
        samples[part_of(frame)] += 1

    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, end)


if __name__ == "__main__":
    sampled(Path(sys.argv[1]))
    sys.argv = ["weft", *sys.argv[2:]]
    weft.main()
