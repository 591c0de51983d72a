"""Counters with labels whose product is bounded too.

prometheus_client's own writes a second line for each series, with the time of its making, and knows no end.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from infrastructure.telemetry.labels import OTHER

MOST_SERIES: Final = 1_000


class Counts(Collector):
    """The first `most` combinations of label values have a series each. Later ones are added to the one whose labels are all `other`, so
    that nothing is missing from the sum; values of labels that are in `kept` stay as they are."""

    def __init__(self, name: str, about: str, labels: Sequence[str], most: int = MOST_SERIES, kept: Sequence[str] = ()) -> None:
        self._name, self._about, self._labels, self._most = name, about, labels, most
        self._kept = tuple(label in kept for label in labels)
        self._of: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, amount: float = 1.0) -> None:
        if values not in self._of and len(self._of) >= self._most:
            values = tuple(value if stays else OTHER for value, stays in zip(values, self._kept, strict=True))
        self._of[values] = self._of.get(values, 0.0) + amount

    def describe(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._about, labels=self._labels)

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._about, labels=self._labels)
        for values, amount in self._of.items():
            family.add_metric(values, amount)
        yield family
