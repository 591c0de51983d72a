"""One case under load in a process of its own: python -m benchmarks.survive.cases CASE --size N --database URL --scratch DIR"""

from benchmarks.lines import Case, measure
from benchmarks.survive import growing, million, service, workers

CASES: dict[str, Case] = {
    "one_worker.postgres": workers.one_worker,
    "two_workers.postgres": workers.two_workers,
    "finished.postgres": service.finished,
    "first_node.postgres": service.first_node,
    "accepted.postgres": service.accepted,
    "growing.postgres": growing.growing,
    "million.postgres": million.million,
}

if __name__ == "__main__":
    measure(CASES)
