"""What one round measures, in order: what is compared stands together, so that noise hits all of it alike."""

from dataclasses import dataclass
from typing import Final

OURS: Final = "benchmarks.ours"
LANGGRAPH: Final = "benchmarks.peers.on_langgraph"
DBOS: Final = "benchmarks.peers.on_dbos"
PYDANTIC_GRAPH: Final = "benchmarks.peers.on_pydantic_graph"
PROTOTYPE: Final = "benchmarks.peers.on_prototype"
PGBENCH: Final = "benchmarks.peers.on_pgbench"
COLD: Final = "benchmarks.cold"
COMPILE: Final = "benchmarks.compile_graph"
ENVIRONMENTS: Final = {
    LANGGRAPH: "lg",
    DBOS: "dbos",
    PYDANTIC_GRAPH: "misc",
    "benchmarks.peers.on_burr": "misc",
    "benchmarks.peers.on_llama_index": "misc",
    PROTOTYPE: "misc",
    PGBENCH: "misc",
}


@dataclass(frozen=True)
class Step:
    """One process. `size` is what the case counts in, `quick` the same for a short try. The cases of ours that are over in a moment are
    repeated, since one pause of the machine would be all that is seen of them; the median of the repetitions counts."""

    module: str
    case: str
    size: int = 0
    quick: int = 0
    repetitions: int = 1

    @property
    def environment(self) -> str:
        """The peers' environment it needs; none for ours."""
        return ENVIRONMENTS.get(self.module, "")

    @property
    def database(self) -> str:
        """`memory`, `sqlite` or `postgres`."""
        last = self.case.rpartition(".")[2]
        return "postgres" if self.module == PGBENCH else last if last in ("sqlite", "postgres") else "memory"


PLAN: Final = (
    Step(OURS, "chain", 1000, 200, 5),
    Step(LANGGRAPH, "chain", 1000, 200, 3),
    Step(PYDANTIC_GRAPH, "chain", 1000, 200, 3),
    Step(OURS, "noop", 1000, 200, 5),
    Step(OURS, "loop", 1000, 200, 5),
    Step(LANGGRAPH, "loop", 1000, 200, 3),
    Step(PYDANTIC_GRAPH, "loop", 1000, 200, 3),
    Step("benchmarks.peers.on_burr", "loop", 1000, 200, 3),
    Step("benchmarks.peers.on_llama_index", "loop", 1000, 200, 3),
    Step(OURS, "runs.sqlite", 100, 20, 5),
    Step(PROTOTYPE, "runs.sqlite", 100, 20, 5),
    Step(LANGGRAPH, "runs.sqlite", 100, 20),
    Step(DBOS, "runs.sqlite", 100, 20),
    Step(OURS, "runs.postgres", 100, 20, 5),
    Step(PROTOTYPE, "runs.postgres", 100, 20, 5),
    Step(PGBENCH, "commit.32", 2, 1),
    Step(LANGGRAPH, "runs.postgres", 100, 20),
    Step(DBOS, "runs.postgres", 100, 20),
    Step(PGBENCH, "commit.1", 2, 1),
    Step(OURS, "alone.postgres", 100, 20, 5),
    Step(LANGGRAPH, "alone.postgres", 100, 20, 2),
    Step(DBOS, "alone.postgres", 100, 20, 2),
    Step(OURS, "fan.edges.memory", 5000, 200, 3),
    Step(OURS, "fan.map.memory", 5000, 200, 3),
    Step(LANGGRAPH, "fan.memory", 5000, 200),
    Step(PYDANTIC_GRAPH, "fan.memory", 5000, 200),
    Step(OURS, "fan.edges.postgres", 5000, 200, 3),
    Step(OURS, "fan.map.postgres", 5000, 200, 3),
    Step(PROTOTYPE, "fan.postgres", 5000, 200, 3),
    Step(LANGGRAPH, "fan.postgres", 5000, 200),
    Step(DBOS, "fan.postgres", 5000, 200),
    Step(COLD, "cold.version", repetitions=3),
    Step(COLD, "cold.run"),
    Step(COLD, "cold.first_run"),
    Step(COLD, "cold.serve"),
    Step(COLD, "cold.langgraph"),
    Step(COLD, "cold.dbos"),
    Step(COMPILE, "compile.chain", 20_000, 20_000),
    Step(COMPILE, "compile.fork", 10_000, 10_000),
)
