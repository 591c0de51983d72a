"""Traces as others see them: W3C Trace Context. A run is one trace, or a part of the trace of the request that started it.

Ids of spans follow from what they stand for, so that whichever worker goes on with a run knows them, and nobody has to keep them.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADER: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_SAMPLED: Final = 1
LONGEST: Final = 256


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span: its trace in 32 hexadecimal digits, itself in 16. Not `sampled`: whoever began the trace does not want it recorded."""

    trace: str
    span: str
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace}-{self.span}-{int(self.sampled):02x}"

    def below(self, key: str) -> "TraceContext":
        """What `key` names within this span; the same whenever it is asked."""
        return TraceContext(self.trace, _digest(f"{self.span}{key}", 16), self.sampled)


def read_traceparent(header: str) -> TraceContext | None:
    """None for what is no `traceparent`, and for one of a version that cannot be."""
    found = _HEADER.fullmatch(header) if len(header) <= LONGEST else None
    if found is None or (header.startswith("00") and header.count("-") > 3):
        return None
    return TraceContext(found[1], found[2], bool(int(found[3], 16) & _SAMPLED))


@lru_cache(1_000)
def of_run(run: str, begun_by: str = "") -> TraceContext:
    """The span of a whole run. `begun_by`: the `traceparent` of what started it; without one the trace has the run's id, so that whoever
    knows one finds the other."""
    request = read_traceparent(begun_by)
    span = _digest(run, 16)
    return TraceContext(_trace(run, run), span) if request is None else TraceContext(request.trace, span, request.sampled)


def traceparent(run: str, activation: str, key: str) -> str:
    """Of a call where no trace is known; outside any run it is a trace of its own."""
    return TraceContext(_trace(run, key), _digest(f"{run}{activation}{key}", 16)).traceparent


def _trace(run: str, key: str) -> str:
    return run.replace("-", "") if _UUID.fullmatch(run) else _digest(run or key, 32)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
