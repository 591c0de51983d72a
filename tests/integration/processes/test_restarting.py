"""A service that goes and comes back loses no run and no row."""

import signal
from collections import Counter

import pytest

from tests.integration.processes.graphs import chain
from tests.integration.processes.site import Site
from tests.servers.ports import free_port
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_service_restarted_in_the_middle_of_a_run_continues_it(site: Site, number: signal.Signals) -> None:
    first = site.commands.serve(WEFT_LEASE_SECONDS="2", WEFT_GRACE_SECONDS="0.5")
    run = Rest(first.url()).start(chain("before", "held", "after"))
    site.holder([first])
    until(lambda: Rest(first.url()).finished(run) == {"/before#1"}, "the row of what had finished")

    first.ask_to_stop(number)
    first.ended()
    again = site.commands.serve(WEFT_LEASE_SECONDS="2")
    until(lambda: site.witness.calls(name="held", pid=again.pid), "the node that was in flight")
    site.witness.open("gate")
    ended = Rest(again.url()).ended(run)

    assert ended["output"] == {"calls": ["before", "held", "after"]}
    assert Counter(call.name for call in site.witness.calls()) == {"before": 1, "held": 2, "after": 1}


def test_a_reader_of_events_sees_each_row_once_over_a_restart(site: Site) -> None:
    port = free_port()
    first = site.commands.serve("--no-worker", port=port)
    service = Rest(first.url())
    site.workers(1)
    run = service.start(chain("before", "held", "after"))
    live = service.rows(run)
    read = [next(live) for _ in range(2)]

    first.kill()
    read += live
    site.witness.open("gate")
    site.commands.serve("--no-worker", port=port)
    read += service.rows(run, after=read[-1]["position"])

    assert [row["position"] for row in read] == list(range(1, len(read) + 1))
    assert read == list(service.rows(run))
    assert [row["type"] for row in read] == ["run_started", *["node_finished"] * 3, "run_ended"]


def test_a_start_that_was_acknowledged_is_kept_by_a_service_killed_at_once(site: Site) -> None:
    first = site.commands.serve("--no-worker")
    runs = [Rest(first.url()).start(chain("one")) for _ in range(5)]

    first.kill()
    again = site.commands.serve()

    assert [Rest(again.url()).ended(run)["status"] for run in runs] == ["completed"] * 5
