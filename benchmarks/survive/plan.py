"""What one round under load measures; what is compared stands together."""

from typing import Final

from benchmarks.plan import DBOS, LANGGRAPH, OURS, PGBENCH, PROTOTYPE, Step

LOADED: Final = "benchmarks.survive.cases"
PLAN: Final = (
    Step(OURS, "runs.postgres", 1000, 50, 3),
    Step(PROTOTYPE, "runs.postgres", 1000, 50, 3),
    Step(LANGGRAPH, "runs.postgres", 1000, 20),
    Step(DBOS, "runs.postgres", 1000, 20),
    Step(LOADED, "one_worker.postgres", 1000, 100),
    Step(LOADED, "two_workers.postgres", 1000, 100),
    Step(LOADED, "accepted.postgres", 5000, 200),
    Step(PGBENCH, "commit.8", 2, 1),
    Step(LOADED, "finished.postgres", 2000, 100),
    Step(LOADED, "first_node.postgres", 300, 20),
    Step(LOADED, "growing.postgres", 10_000, 1000, 3),
    Step(LOADED, "million.postgres", 1_000_000, 100_000),
)
