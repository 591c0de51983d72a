"""What a thread held at a position, kept under a name for as long as somebody wants it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.ids import Position, SnapshotId, TenantId, ThreadId


class CheckpointType(StrEnum):
    MANUAL = "manual"
    AUTOMATIC = "automatic"
    BEFORE_TOOL = "before_tool"
    AFTER_NODE = "after_node"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class SnapshotPolicy:
    """Which snapshots a run takes by itself. `automatic_every`: after so many of its rows, and at its end; 0: not. `triggers`: before a
    node of kind `tool` starts, after a node of the root frame, when a node fails for good. `seconds`: how long each is kept; None: for
    ever."""

    automatic_every: int = 0
    triggers: tuple[CheckpointType, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SnapshotMetadata:
    """`size_bytes`: of the values as they are stored."""

    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ThreadSnapshot:
    """`data`: channel -> value, as JSON bytes. It may be restored before `expires_at` (None: for ever)."""

    id: SnapshotId
    tenant: TenantId
    thread: ThreadId
    position: Position
    created_at: datetime
    by: str
    data: bytes
    checkpoint_type: CheckpointType = CheckpointType.MANUAL
    metadata: SnapshotMetadata = field(default_factory=lambda: SnapshotMetadata(""))
    expires_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now
