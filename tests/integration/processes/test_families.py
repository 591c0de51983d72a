"""Threads beside each other whose runs are held by other processes than the one in which a sibling fails."""

import pytest

from tests.integration.processes.graphs import call, graph
from tests.integration.processes.site import Site
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""
BAD = {"kind": "transform", "writes": {"calls": "${string(1 / 0)}"}}


def children(service: Rest, on_failure: str, count: int) -> list[str]:
    parent = str(service.post("/v1/threads", {})["id"])
    return [str(service.post("/v1/threads", {"parent_id": parent, "on_failure": on_failure})["id"]) for _ in range(count)]


@pytest.mark.parametrize(("on_failure", "comes_to"), [("fail_fast", "cancelled"), ("collect", "completed")])
def test_when_one_fails_the_others_stop_or_go_on_wherever_they_are(site: Site, on_failure: str, comes_to: str) -> None:
    service = site.service()
    site.workers(2)
    one, *others = children(service, on_failure, 4)
    held = [
        service.start(graph({"held": call("held", "gate"), "after": call("after")}, "start held after"), thread_id=other)
        for other in others
    ]
    until(lambda: len(site.witness.calls(name="held")) == len(others), "the others at work")

    assert service.ended(service.start(graph({"bad": BAD}, "start bad"), thread_id=one))["status"] == "failed"
    if on_failure == "collect":
        site.witness.open("gate")

    assert [service.ended(run)["status"] for run in held] == [comes_to] * 3
    assert len(site.witness.calls(name="after")) == (3 if comes_to == "completed" else 0)


def test_siblings_stop_although_the_worker_died_while_the_run_was_failing(site: Site) -> None:
    """The node that fails is retried by the second worker: the first was killed in it."""
    service, (first,) = site.service(), site.workers(1, WEFT_LEASE_SECONDS="1")
    one, other = children(service, "fail_fast", 2)
    failing = service.start(graph({"held": call("held", "gate"), "bad": BAD}, "start held bad"), thread_id=one)
    site.holder([first])
    asked = {"ask": {"kind": "wait", "signal": "go"}}
    waiting = service.start(graph(asked, "start ask"), thread_id=other)
    until(lambda: service.run(waiting)["status"] == "parked", "the sibling that waits")
    first.kill()
    site.witness.open("gate")
    site.workers(1, WEFT_LEASE_SECONDS="1")

    assert [service.ended(run)["status"] for run in (failing, waiting)] == ["failed", "cancelled"]
