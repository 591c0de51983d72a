"""Many short times as two figures."""

from statistics import median
from typing import Any


def milliseconds(seconds: list[float]) -> dict[str, Any]:
    """The members of a line: its value is the median; in its details the time that 99 of 100 stay below, and the longest."""
    in_order = sorted(seconds)
    details = {"p99": in_order[len(in_order) * 99 // 100] * 1000, "worst": in_order[-1] * 1000}
    return {"unit": "ms", "value": median(in_order) * 1000, "details": details}
