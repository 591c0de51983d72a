"""A worker that is asked to stop hands its runs on; one that is asked twice dies."""

import signal
import time
from collections import Counter

import httpx
import pytest

from tests.integration.processes.graphs import chain
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.commands import Running
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""

SOON_SECONDS = 10.0
"""Far less than the lease of 60 seconds."""


def has_heard(worker: Running) -> bool:
    """A worker that was asked to stop answers no probes any more."""
    try:
        web.get(f"{worker.url()}/livez")
    except httpx.TransportError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_node_in_flight_finishes_once_and_the_rest_of_its_run_goes_on_elsewhere(site: Site, number: signal.Signals) -> None:
    service, (first,) = site.service(), site.workers(1)
    run = service.start(chain("before", "held", "after"))
    site.holder([first])
    (second,) = site.workers(1)

    first.ask_to_stop(number)
    until(lambda: has_heard(first), "the worker hears that it is to stop")
    site.witness.open("gate")
    ended = service.ended(run, SOON_SECONDS)

    assert first.ended() == 0
    assert ended["output"] == {"calls": ["before", "held", "after"]}
    assert Counter((call.name, call.pid) for call in site.witness.calls("finished")) == {
        ("before", first.pid): 1,
        ("held", first.pid): 1,
        ("after", second.pid): 1,
    }
    assert len(site.witness.calls(name="held")) == 1
    assert second.metric("weft_lease_takeovers_total") == 0


def test_a_node_that_outlasts_the_grace_is_given_up_and_goes_on_elsewhere_under_the_same_key(site: Site) -> None:
    service, (first,) = site.service(), site.workers(1, WEFT_GRACE_SECONDS="0.5")
    run = service.start(chain("before", "held", "after"))
    site.holder([first])
    (second,) = site.workers(1)

    first.ask_to_stop()
    assert first.ended(SOON_SECONDS) == 0
    until(lambda: site.witness.calls(name="held", pid=second.pid), "the node in flight, elsewhere", SOON_SECONDS)
    site.witness.open("gate")
    ended = service.ended(run)

    assert ended["output"] == {"calls": ["before", "held", "after"]}
    assert site.witness.calls("finished", "held", first.pid) == []
    assert len({call.key for call in site.witness.calls(name="held")}) == 1
    assert second.metric("weft_lease_takeovers_total") == 0


def test_the_second_signal_kills(site: Site) -> None:
    service, (worker,) = site.service(), site.workers(1, WEFT_GRACE_SECONDS="600")
    service.start(chain("held"))
    site.holder([worker])

    worker.ask_to_stop()
    until(lambda: has_heard(worker), "the worker hears that it is to stop")
    asked_again_at = time.monotonic()
    worker.ask_to_stop()

    assert worker.ended(SOON_SECONDS) == 128 + signal.SIGTERM
    assert time.monotonic() - asked_again_at < 1.0


def test_a_worker_that_carries_nothing_stops_at_once(site: Site) -> None:
    (worker,) = site.workers(1)

    worker.ask_to_stop()

    assert worker.ended(5.0) == 0
    assert worker.log("worker stopped")
