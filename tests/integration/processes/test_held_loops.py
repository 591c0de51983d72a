"""A node that holds the event loop of its worker costs neither its own run nor the others their leases."""

import pytest

from tests.integration.processes.graphs import chain, graph
from tests.integration.processes.site import Site
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""

HOG = {"kind": "tool", "tool": "hog", "arguments": {"name": "hog", "seconds": 4}, "writes": {"calls": "${output.name}"}}


def test_heartbeats_go_on_while_a_node_holds_the_loop(site: Site) -> None:
    service = site.service()
    (held_up,) = site.workers(1, WEFT_LEASE_SECONDS="1", WEFT_STALL_SECONDS="1")
    beside = service.start(chain("held"))
    until(lambda: site.witness.calls(name="held"), "a run beside it")
    run = service.start(graph({"hog": HOG}, "start hog"))
    until(lambda: site.witness.calls(name="hog"), "the node that holds the loop")
    (other,) = site.workers(1, WEFT_LEASE_SECONDS="1")
    ended = service.ended(run)
    site.witness.open("gate")

    assert (ended["status"], service.ended(beside)["status"]) == ("completed", "completed")
    assert (len(site.witness.calls(name="hog")), len(site.witness.calls(name="held"))) == (1, 1)
    assert other.metric("weft_lease_takeovers_total") == 0
    assert held_up.log("the event loop is held up")
