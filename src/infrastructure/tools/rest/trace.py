"""`traceparent` (W3C Trace Context): one trace for a run, one span for an activation, the same over retries and crashes."""

import hashlib
from typing import Final
from uuid import UUID

from domain.ports.tools import ToolContext

_SAMPLED: Final = "01"


def traceparent(context: ToolContext) -> str:
    return f"00-{_trace(context)}-{_digest(f'{context.run}{context.activation}{context.idempotency_key}', 16)}-{_SAMPLED}"


def _trace(context: ToolContext) -> str:
    """The run's id, which is a UUID."""
    try:
        return UUID(context.run).hex if context.run else _digest(context.idempotency_key, 32)
    except ValueError:
        return _digest(str(context.run), 32)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
