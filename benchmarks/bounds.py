"""What is demanded of each figure, and whether it is met. What a peer needed in the same round is the measure; a bare number moves with
the machine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Figures

WEFT: Final = "weft"


@dataclass(frozen=True)
class Verdict:
    """`found`: what was measured, in the unit that `demand` names; None when it was not measured, which is not met."""

    demand: str
    found: float | None
    met: bool


Bound = Callable[[Figures, str], Verdict]
"""Judges the case of that name."""


def at_most(limit: float, unit: str = "µs") -> Bound:
    def judge(figures: Figures, case: str) -> Verdict:
        found = figures.spread(WEFT, case)
        return _verdict(f"≤ {limit:g} {unit}", None if found is None else found.median, limit)

    return judge


def times(peer: str, peer_case: str, least: float) -> Bound:
    """The peer needs at least so many times as long."""

    def judge(figures: Figures, case: str) -> Verdict:
        ratio = figures.ratio((peer, peer_case), (WEFT, case))
        found = None if ratio is None else ratio.median
        return Verdict(f"{NAMES[peer]} / Weft ≥ {least:g}", found, found is not None and found >= least)

    return judge


def share(peer: str, peer_case: str, most: float) -> Bound:
    """At most so much of what the peer needs."""

    def judge(figures: Figures, case: str) -> Verdict:
        ratio = figures.ratio((WEFT, case), (peer, peer_case))
        return _verdict(f"Weft / {NAMES[peer]} ≤ {most:g}", None if ratio is None else ratio.median, most)

    return judge


def memory_under(mib: float) -> Bound:
    def judge(figures: Figures, case: str) -> Verdict:
        found = figures.peak(WEFT, case)
        return _verdict(f"peak < {mib:g} MiB", None if found is None else found.most, mib)

    return judge


def _verdict(demand: str, found: float | None, limit: float) -> Verdict:
    return Verdict(demand, found, found is not None and found <= limit)


@dataclass(frozen=True)
class Work:
    """One row of the table. `peers`: (who, case) of those who did the same."""

    title: str
    case: str
    peers: tuple[tuple[str, str], ...] = ()
    bounds: tuple[Bound, ...] = ()

    def verdicts(self, figures: Figures) -> list[Verdict]:
        return [bound(figures, self.case) for bound in self.bounds]


NAMES: Final = {
    "langgraph": "LangGraph",
    "dbos": "DBOS",
    "pydantic-graph": "pydantic-graph",
    "burr": "burr",
    "llama-index-workflows": "LlamaIndex",
    "group-commit": "group commit alone",
    "pgbench": "pgbench",
}


def _same(case: str, *names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, case) for name in names)


_DURABLE: Final = ("langgraph", "dbos", "group-commit")
_FAN_MEMORY: Final = _same("fan.memory", "langgraph", "pydantic-graph")
_FAN_POSTGRES: Final = _same("fan.postgres", *_DURABLE)

WORKS: Final = (
    Work(
        "chain of 1,000 nodes `x: ${state.x + 1}`, in memory",
        "chain",
        _same("chain", "langgraph", "pydantic-graph"),
        (at_most(30), times("langgraph", "chain", 10)),
    ),
    Work("the same, of a node kind that does nothing", "noop", (), (at_most(20),)),
    Work(
        "loop of 1,000 visits, routed by a condition, in memory",
        "loop",
        _same("loop", "langgraph", "pydantic-graph", "burr", "llama-index-workflows"),
        (at_most(35), times("langgraph", "loop", 7)),
    ),
    Work(
        "100 runs of 10 steps at once, every step durable, SQLite (FULL)",
        "runs.sqlite",
        _same("runs.sqlite", *_DURABLE),
        (at_most(80), times("langgraph", "runs.sqlite", 30)),
    ),
    Work(
        "the same on PostgreSQL",
        "runs.postgres",
        (*_same("runs.postgres", *_DURABLE), ("pgbench", "commit.32")),
        (at_most(70), times("langgraph", "runs.postgres", 25)),
    ),
    Work(
        "one run of 100 steps, every step durable, PostgreSQL",
        "alone.postgres",
        (*_same("alone.postgres", "langgraph", "dbos"), ("pgbench", "commit.1")),
        (share("pgbench", "commit.1", 2),),
    ),
    Work("fan-out of 5,000 by edges to a join, in memory", "fan.edges.memory", _FAN_MEMORY, (at_most(60), memory_under(200))),
    Work("`map` over 5,000 items, results collected, in memory", "fan.map.memory", _FAN_MEMORY, (at_most(60), memory_under(200))),
    Work(
        "fan-out of 5,000 by edges to a join, durable on PostgreSQL", "fan.edges.postgres", _FAN_POSTGRES, (at_most(120), memory_under(200))
    ),
    Work(
        "`map` over 5,000 items, results collected, durable on PostgreSQL",
        "fan.map.postgres",
        _FAN_POSTGRES,
        (at_most(120), memory_under(200)),
    ),
)

STARTS: Final = (("langgraph", "cold.langgraph"), ("dbos", "cold.dbos"))
MOMENTS: Final = (
    Work("`weft --version`", "cold.version", (), (at_most(0.2, "s"),)),
    Work(
        "`weft run` of three nodes, process to process (LangGraph and DBOS: one node)",
        "cold.run",
        STARTS,
        (share("langgraph", "cold.langgraph", 0.6),),
    ),
    Work("the same in an empty folder: the database is made first", "cold.first_run", STARTS),
    Work("`weft serve` to ready", "cold.serve", STARTS, (share("langgraph", "cold.langgraph", 1),)),
    Work("compiling a chain of 20,000 nodes", "compile.chain", (), (at_most(2, "s"),)),
    Work("compiling a fork of 10,000 branches", "compile.fork", (), (at_most(2, "s"),)),
)
