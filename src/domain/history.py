"""The history: what was said to models and tools, what they said, what it used and cost, and how runs ended."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.errors import HistoryError
from domain.ids import RunId, TenantId
from domain.json import Json, JsonObject

CONTENT: Final = "content"
"""The member of a record's `data` that holds what was said; all others are about it."""


class RecordType(StrEnum):
    LLM_REQUEST = "llm_request"
    LLM_RESPONSE = "llm_response"
    TOKEN_USAGE = "token_usage"  # noqa: S105 - no password
    COST_RECORD = "cost_record"
    WORKFLOW_EXECUTION = "workflow_execution"
    TOOL_EXECUTION = "tool_execution"


WRITTEN: Final = frozenset({RecordType.LLM_REQUEST, RecordType.LLM_RESPONSE, RecordType.TOOL_EXECUTION})
"""The others are read from the ledger and from the runs themselves, and cannot say anything else than those."""


class Capture(StrEnum):
    """How much of what is said is kept: all of it, SHA-256 in its place, nothing."""

    ON = "on"
    HASHED = "hashed"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """`id` is unique in a tenant. `run` is None of what no run did. `model` is "" where none was asked. `data`: JSON, with money as
    `{amount, currency}`."""

    id: str
    record_type: RecordType
    timestamp: datetime
    tenant: TenantId
    run: RunId | None = None
    user_id: str | None = None
    session_id: str | None = None
    model: str = ""
    data: JsonObject = field(default_factory=dict)

    @property
    def without_content(self) -> JsonObject:
        return {name: value for name, value in self.data.items() if name != CONTENT}


def strictest(said: Iterable[Capture]) -> Capture:
    """What all of them allow."""
    order = tuple(Capture)
    return max(said, key=order.index, default=Capture.ON)


def capture_of(metadata: JsonObject) -> Capture | None:
    """What a graph's `metadata.history.capture` says; None when it says nothing. `HistoryError` for anything but a `Capture`."""
    history = metadata.get("history")
    if not isinstance(history, Mapping) or "capture" not in history:
        return None
    said = history["capture"]
    if not isinstance(said, str) or said not in tuple(Capture):
        raise HistoryError(f"`metadata.history.capture` is one of {', '.join(Capture)}, not {said!r:.100}")
    return Capture(said)


def texts_in(value: Json) -> Iterator[str]:
    """Every text, names of members aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)
