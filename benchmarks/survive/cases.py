"""One case under load in a process of its own: python -m benchmarks.survive.cases CASE --size N --database URL --scratch DIR"""

from benchmarks.lines import Case, measure
from benchmarks.survive import workers

CASES: dict[str, Case] = {
    "one_worker.postgres": workers.one_worker,
    "two_workers.postgres": workers.two_workers,
}

if __name__ == "__main__":
    measure(CASES)
