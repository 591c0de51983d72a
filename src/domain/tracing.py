"""Traces as others see them: `traceparent` of W3C Trace Context, one trace for a run, one span for a call, the same over retries."""

import hashlib
import re
from typing import Final

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SAMPLED: Final = "01"


def traceparent(run: str, activation: str, key: str) -> str:
    """The trace has the run's id, so that whoever knows one finds the other; outside any run it is of the call alone."""
    return f"00-{_trace(run, key)}-{_digest(f'{run}{activation}{key}', 16)}-{_SAMPLED}"


def _trace(run: str, key: str) -> str:
    return run.replace("-", "") if _UUID.fullmatch(run) else _digest(run or key, 32)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
