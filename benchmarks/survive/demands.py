"""What is demanded under load, and of which figure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.bounds import WEFT, Bound, Verdict, at_most, times
from benchmarks.figures import Figures

CASE, DETAIL = "case", "details"


def each_detail(lines: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every line, and one more for each of its details: the case `million.postgres:p99` is the detail `p99`."""
    for line in lines:
        yield line
        for name, value in line.get(DETAIL, {}).items():
            yield {**line, CASE: f"{line[CASE]}:{name}", "value": value, DETAIL: {}}


def at_least(limit: float, unit: str) -> Bound:
    def judge(figures: Figures, case: str) -> Verdict:
        spread = figures.spread(WEFT, case)
        found = None if spread is None else spread.median
        return Verdict(f"≥ {limit:g} {unit}", found, found is not None and found >= limit)

    return judge


def as_fast_again(slower: str, least: float) -> Bound:
    """Another case of ours needs at least so many times as long."""

    def judge(figures: Figures, case: str) -> Verdict:
        ratio = figures.ratio((WEFT, slower), (WEFT, case))
        found = None if ratio is None else ratio.median
        return Verdict(f"throughput ≥ {least:g} times", found, found is not None and found >= least)

    return judge


def of(detail: str, bound: Bound) -> Bound:
    """A bound on a detail of the case; it says which."""

    def judge(figures: Figures, case: str) -> Verdict:
        verdict = bound(figures, f"{case}:{detail}")
        return Verdict(f"{detail.replace('_', ' ')} {verdict.demand}", verdict.found, verdict.met)

    return judge


@dataclass(frozen=True)
class Shown:
    """One figure of a cell. `detail` "": the case's own value. `form` has a place for a number."""

    form: str
    detail: str = ""


@dataclass(frozen=True)
class Load:
    """One row of the table. `peers`: (who, case) of those who did the same, or of the floor below it, in µs."""

    title: str
    case: str
    shown: tuple[Shown, ...]
    bounds: tuple[Bound, ...]
    peers: tuple[tuple[str, str], ...] = ()

    def verdicts(self, figures: Figures) -> list[Verdict]:
        return [bound(figures, self.case) for bound in self.bounds]


_STEP: Final = Shown("{:,.0f} µs a step")
_CORES: Final = (Shown("workers busy on {:.2f} cores", "cores_workers"), Shown("PostgreSQL on {:.2f}", "cores_postgres"))
_MOMENT: Final = (Shown("p50 {:.1f} ms"), Shown("p99 {:.1f} ms", "p99"), Shown("longest {:.1f} ms", "worst"))

LOADS: Final = (
    Load(
        "1,000 runs of 10 steps at once, every step durable, one process",
        "runs.postgres",
        (_STEP,),
        (at_most(60), times("dbos", "runs.postgres", 100)),
        (("langgraph", "runs.postgres"), ("dbos", "runs.postgres"), ("group-commit", "runs.postgres")),
    ),
    Load("1,000 runs that wait in line, one worker process", "one_worker.postgres", (_STEP, *_CORES), ()),
    Load("the same, two worker processes", "two_workers.postgres", (_STEP, *_CORES), (as_fast_again("one_worker.postgres", 1.5),)),
    Load(
        "runs of 10 steps finished through REST: one API process, one worker process, 32 clients",
        "finished.postgres",
        (
            Shown("{:,.0f} runs a second"),
            Shown("API busy on {:.2f} cores", "cores_api"),
            Shown("worker on {:.2f}", "cores_worker"),
            Shown("PostgreSQL on {:.2f}", "cores_postgres"),
            Shown("client on {:.2f}", "cores_client"),
        ),
        (at_least(500, "runs/s"),),
    ),
    Load(
        "request to first node, an idle API process and an idle worker process",
        "first_node.postgres",
        _MOMENT,
        (at_most(10, "ms"), of("p99", at_most(50, "ms"))),
    ),
    Load(
        "starts accepted by one API process, 32 clients",
        "accepted.postgres",
        (
            Shown("{:,.0f} a second"),
            Shown("API busy on {:.2f} cores", "cores_api"),
            Shown("PostgreSQL on {:.2f}", "cores_postgres"),
            Shown("client on {:.2f}", "cores_client"),
        ),
        (at_least(1500, "starts/s"),),
        (("pgbench", "commit.8"),),
    ),
    Load(
        "one thread of 10,000 steps whose list grows by 200 bytes a step",
        "growing.postgres",
        (
            Shown("{:,.0f} µs a step", "step_us"),
            Shown("{:,.0f} µs around the 100th", "early_us"),
            Shown("{:,.0f} µs around the last", "late_us"),
            Shown("tables grow {:,.0f} bytes a step", "table_bytes"),
            Shown("{:,.0f} in a thread of 1,000", "table_bytes_short"),
            Shown("WAL {:,.0f} bytes a step", "wal_bytes"),
        ),
        (at_most(1.2, "times the early step"), of("table_bytes", at_most(1500, "bytes"))),
    ),
    Load(
        "loading any thread of a journal of 1,000,000 rows from its newest checkpoint",
        "million.postgres",
        _MOMENT,
        (at_most(20, "ms"), of("p99", at_most(20, "ms"))),
    ),
)
