"""What names may look like, and which keys are which."""

import re
from typing import Final

NODE_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
CHANNEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
WORKFLOW_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
SEMANTIC_VERSION: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)

TOOL_NAMES: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}\*?")
"""A tool, or all whose names begin so."""

INNER: Final = frozenset({"state", "input", "output", "nodes", "edges", "description", "metadata"})
"""What the graph inside a `map` may have."""
TOP: Final = INNER | {"weft", "name", "version", "tags", "limits", "flow", "permissions"}
LIMITS: Final = frozenset({"steps", "visits", "seconds", "depth", "fan_out", "concurrency", "cost_usd", "tokens"})
COMMON: Final = frozenset({"kind", "writes", "join", "retry", "timeout_seconds", "concurrency", "description", "position", "compensate"})
"""Keys of every node; the others are its kind's."""
LATER_ON_NODES: Final = frozenset({"cancels", "mutex", "enabled_while", "keep"})
EDGE: Final = frozenset({"id", "from", "to", "when", "route", "otherwise", "take", "targets", "on_error", "edge_type"})
ROUTE: Final = frozenset({"when", "to"})
FLOW: Final = frozenset({"concurrency", "rate", "singleton", "debounce", "priority"})
FLOW_RULES: Final = {
    "concurrency": frozenset({"key", "limit"}),
    "rate": frozenset({"key", "limit", "seconds"}),
    "singleton": frozenset({"key"}),
    "debounce": frozenset({"key", "seconds"}),
}
RETRY: Final = frozenset({"attempts", "first_seconds", "factor", "max_seconds", "codes"})
JOIN_COUNT: Final = frozenset({"count", "cancel_rest", "on_starved"})
JOIN_FROM: Final = frozenset({"from", "on_starved"})
POINT: Final = frozenset({"x", "y"})
