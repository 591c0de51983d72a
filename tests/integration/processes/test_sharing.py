"""Several workers share one database, and every run is carried once."""

from collections import Counter

import pytest

from tests.integration.processes.graphs import chain
from tests.integration.processes.site import Site
from tests.servers.until import until

pytestmark = pytest.mark.processes

RUNS = 200
FEW_AT_ONCE = {"WEFT_WORKER_RUNS": "5"}


@pytest.mark.timeout(240)
def test_three_workers_carry_each_of_two_hundred_runs_once(site: Site) -> None:
    service, workers = site.service(), site.workers(3, **FEW_AT_ONCE)

    runs = {service.start(chain("one", "two")) for _ in range(RUNS)}
    until(lambda: site.count("runs", "status = 'completed'") == RUNS, "the end of every run", 120)

    started = [line["run"] for worker in workers for line in worker.log("run started")]
    assert sorted(started) == sorted(runs)
    assert Counter(call.run for call in site.witness.calls()) == dict.fromkeys(runs, 2)
    assert len({call.key for call in site.witness.calls()}) == 2 * RUNS
    assert all(worker.log("run started") for worker in workers), "each worker had its share"
    assert [line for worker in workers for line in worker.log() if line["level"] in ("warning", "error")] == []
