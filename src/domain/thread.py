"""A line of state that outlives runs. It has exactly one journal, one lease and one epoch."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.ids import TenantId, ThreadId
from domain.json import JsonObject


class ThreadType(StrEnum):
    MAIN = "main"


@dataclass(frozen=True, slots=True)
class ThreadMetadata:
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    id: ThreadId
    tenant: TenantId
    created_at: datetime
    thread_type: ThreadType = ThreadType.MAIN
    metadata: ThreadMetadata = field(default_factory=ThreadMetadata)
    labels: JsonObject = field(default_factory=dict)
