"""Names of things. All ids but positions and epochs are UUIDv7 strings, made outside the domain."""

from collections.abc import Callable
from typing import NewType

TenantId = NewType("TenantId", str)
ThreadId = NewType("ThreadId", str)
RunId = NewType("RunId", str)
WorkerId = NewType("WorkerId", str)
KeyId = NewType("KeyId", str)
SessionId = NewType("SessionId", str)
SnapshotId = NewType("SnapshotId", str)
ScheduleId = NewType("ScheduleId", str)
WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)
"""`evt_RUN_POSITION_WHAT`: the same at every webhook, at every try, and after a redelivery."""
BudgetId = NewType("BudgetId", str)
BlockId = NewType("BlockId", str)
ToolId = NewType("ToolId", str)
"""`TYPE/NAME`, as `rest/github_get_issue`."""
NodeId = NewType("NodeId", str)
NodeIndex = NewType("NodeIndex", int)
"""Where a node stands in its compiled graph, counted from 0 in document order."""
ContentHash = NewType("ContentHash", str)
"""Lower-case hex SHA-256 of a graph's canonical JSON (RFC 8785), without `position`."""
Position = NewType("Position", int)
"""Number of a journal row within its thread; the first row has 1, an empty journal ends at 0."""
Epoch = NewType("Epoch", int)
"""How often a thread's lease has changed hands; it only grows."""
FramePath = NewType("FramePath", str)
"""`""` is the root frame; a child is named by its parent activation and item: `/review#1[2]`."""
ActivationPath = NewType("ActivationPath", str)
"""One visit of one node with every visit on its way: `/review#1[2]/draft#3`. Visits count from 1, items from 0."""

DEFAULT_TENANT = TenantId("default")
ROOT = FramePath("")
BEGINNING = Position(0)

NewId = Callable[[], str]
"""Makes a fresh UUIDv7 string."""
