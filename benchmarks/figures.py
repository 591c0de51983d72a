"""Medians over rounds, their spread, and ratios that are taken within a round before any median: noise then hits both sides."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Series = Mapping[int, float]
"""Round -> value."""


@dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """None of no values."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1]) if found else None


@dataclass(frozen=True)
class Figures:
    """`who` is a name without its version: weft, langgraph, dbos, pgbench."""

    values: Mapping[tuple[str, str], Series]
    peaks: Mapping[tuple[str, str], Series]
    versions: Mapping[str, str]

    def spread(self, who: str, case: str) -> Spread | None:
        return Spread.of(self.values.get((who, case), {}).values())

    def peak(self, who: str, case: str) -> Spread | None:
        """Of memory, in MiB."""
        return Spread.of(self.peaks.get((who, case), {}).values())

    def ratio(self, over: tuple[str, str], under: tuple[str, str]) -> Spread | None:
        """How many times the first is the second, round by round; each of the two is (who, case)."""
        first, second = self.values.get(over, {}), self.values.get(under, {})
        return Spread.of(first[number] / second[number] for number in first.keys() & second.keys())


def figures_of(lines: Iterable[Mapping[str, Any]]) -> Figures:
    values: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    peaks: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    versions: dict[str, str] = {}
    for line in lines:
        if "value" not in line:
            continue
        who, _, version = line["who"].rpartition(" ")
        versions[who] = version
        values[who, line["case"]][line["round"]] = line["value"]
        peaks[who, line["case"]][line["round"]] = line["peak_mib"]
    return Figures(values, peaks, versions)
