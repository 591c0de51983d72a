"""A worker that is killed costs the time until its lease runs out, and nothing else."""

import time
from collections import Counter

import pytest

from tests.integration.processes.graphs import chain, forked
from tests.integration.processes.site import Site
from tests.servers.until import until

pytestmark = pytest.mark.processes

LEASE_SECONDS = 2.0
TAKEN_UP_SECONDS = LEASE_SECONDS + 2.0
LEASE = {"WEFT_LEASE_SECONDS": str(LEASE_SECONDS)}


def test_a_run_of_a_killed_worker_goes_on_elsewhere_within_its_lease_and_two_seconds(site: Site) -> None:
    service, workers = site.service(), site.workers(2, **LEASE)
    run = service.start(forked())
    killed = site.holder(workers)
    until(lambda: service.finished(run) == {"/before#1", "/beside#1"}, "rows of what had finished")

    killed.kill()
    killed_at = time.monotonic()
    (other,) = (worker for worker in workers if worker is not killed)
    until(lambda: site.witness.calls(name="held", pid=other.pid), "the node that was in flight, elsewhere", TAKEN_UP_SECONDS)
    taken_up_after = time.monotonic() - killed_at
    site.witness.open("gate")
    ended = service.ended(run)

    assert taken_up_after <= TAKEN_UP_SECONDS
    assert (ended["status"], sorted(ended["output"]["calls"])) == ("completed", ["after", "before", "beside", "held"])
    assert Counter(call.name for call in site.witness.calls()) == {"before": 1, "beside": 1, "held": 2, "after": 1}
    assert {call.pid for call in site.witness.calls(name="after")} == {other.pid}
    assert len({call.key for call in site.witness.calls(name="held")}) == 1
    assert [row["type"] for row in service.rows(run)].count("node_finished") == 4
    assert site.epoch(ended["thread_id"]) == 2
    assert other.metric("weft_lease_takeovers_total") == 1


def test_a_worker_that_stalled_longer_than_its_lease_writes_nothing_more(site: Site) -> None:
    import signal

    service, workers = site.service(), site.workers(2, **LEASE)
    run = service.start(chain("before", "held", "after"))
    stalled = site.holder(workers)
    (other,) = (worker for worker in workers if worker is not stalled)

    stalled.ask_to_stop(signal.SIGSTOP)
    until(lambda: site.witness.calls(name="held", pid=other.pid), "the node that was in flight, elsewhere", TAKEN_UP_SECONDS)
    site.witness.open("gate")
    ended = service.ended(run)
    stalled.ask_to_stop(signal.SIGCONT)
    until(lambda: stalled.log("run was taken away"), "the stalled worker hears that its run was taken away")

    assert ended["output"] == {"calls": ["before", "held", "after"]}
    assert [call.pid for call in site.witness.calls(name="after")] == [other.pid]
    assert service.run(run) == ended


@pytest.mark.parametrize("durability", ["async", "exit"])
def test_before_a_tool_with_effects_everything_is_durable_in_every_mode(site: Site, durability: str) -> None:
    service, workers = site.service(), site.workers(2, **LEASE)
    run = service.start(chain("one", "two", "held", "after"), durability=durability)

    site.holder(workers).kill()
    site.witness.open("gate")
    ended = service.ended(run)

    assert ended["output"] == {"calls": ["one", "two", "held", "after"]}
    assert Counter(call.name for call in site.witness.calls())["one"] == 1
    assert Counter(call.name for call in site.witness.calls())["two"] == 1
    assert len({call.key for call in site.witness.calls(name="held")}) == 1


def test_with_durability_async_a_row_is_kept_while_the_next_node_runs(site: Site) -> None:
    service, workers = site.service(), site.workers(2, **LEASE)
    run = service.start(chain("one", "two", "held", "after", tool="look"), durability="async")
    holder = site.holder(workers)
    until(lambda: service.finished(run) == {"/one#1", "/two#1"}, "rows of what had finished")

    holder.kill()
    site.witness.open("gate")
    ended = service.ended(run)

    assert ended["output"] == {"calls": ["one", "two", "held", "after"]}
    assert Counter(call.name for call in site.witness.calls()) == {"one": 1, "two": 1, "held": 2, "after": 1}


def test_with_durability_exit_only_what_may_be_repeated_is_lost_and_repeated(site: Site) -> None:
    service, workers = site.service(), site.workers(2, **LEASE)
    run = service.start(chain("one", "two", "held", "after", tool="look"), durability="exit")
    holder = site.holder(workers)
    kept_before = service.finished(run)

    holder.kill()
    site.witness.open("gate")
    ended = service.ended(run)

    assert kept_before == set()
    assert ended["output"] == {"calls": ["one", "two", "held", "after"]}
    assert Counter(call.name for call in site.witness.calls()) == {"one": 2, "two": 2, "held": 2, "after": 1}
    assert len({call.key for call in site.witness.calls()}) == 4
