"""Histograms that are observed at every step of every run.

prometheus_client's own takes two locks and a search through the bounds for each observation. These are observed and read by the event
loop's thread alone, so that an observation is one look-up and two additions.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf
from typing import Final

from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from infrastructure.telemetry.labels import OTHER

MOST_SERIES: Final = 1_000


class Buckets:
    """How many observations fell into each bucket (up to its bound, the last one without), and what all of them come to."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, amount: float) -> None:
        self._counts[bisect_left(self._bounds, amount)] += 1
        self._sum += amount

    def add_to(self, family: HistogramMetricFamily, labels: Sequence[str]) -> None:
        bounds = map(floatToGoString, (*self._bounds, inf))
        family.add_metric(labels, list(zip(bounds, accumulate(self._counts), strict=True)), self._sum)


class LoopHistogram(Collector):
    """The buckets of one metric, by the values of its labels: of the first `most` combinations each one, of all others one together."""

    def __init__(self, name: str, about: str, bounds: Sequence[float], labels: Sequence[str] = (), most: int = MOST_SERIES) -> None:
        self._name, self._about, self._bounds, self._labels, self._most = name, about, bounds, labels, most
        self._of: dict[tuple[str, ...], Buckets] = {}

    def labels(self, *values: str) -> Buckets:
        found = self._of.get(values)
        if found is None:
            values = values if len(self._of) < self._most else (OTHER,) * len(values)
            found = self._of.setdefault(values, Buckets(self._bounds))
        return found

    def describe(self) -> Iterator[HistogramMetricFamily]:
        yield HistogramMetricFamily(self._name, self._about, labels=self._labels)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._about, labels=self._labels)
        for values, buckets in self._of.items():
            buckets.add_to(family, values)
        yield family
