"""A wish to cancel finds its run in whatever process it is."""

import time
from typing import Any

import pytest

from tests.integration.processes.graphs import call, graph
from tests.integration.processes.site import Site
from tests.servers.until import until

pytestmark = pytest.mark.processes

WORDS = 2_000
REACHES_SECONDS = 2.0


def talking() -> dict[str, Any]:
    """A model that talks for minutes, beside a node that says when it began."""
    long = {"rules": [{"answer": "word " * WORDS, "chunk_seconds": 0.1}]}
    model = {"kind": "llm", "model": "scripted/assistant", "prompt": "Tell me everything.", "options": long}
    return graph({"talks": model, "held": call("held", "gate")}, "start talks", "start held")


def test_a_cancel_reaches_a_run_in_another_process_and_its_tokens_are_counted(site: Site) -> None:
    service, workers = site.service(), site.workers(1)
    run = service.start(talking())
    site.holder(workers)

    asked_at = time.monotonic()
    service.post(f"/v1/runs/{run}/cancel", {"reason": "enough"})
    ended = service.ended(run, REACHES_SECONDS)

    assert time.monotonic() - asked_at <= REACHES_SECONDS
    assert ended["status"] == "cancelled"
    assert ended["usage"]["calls"] == 1
    assert ended["usage"]["prompt_tokens"] > 0
    assert 0 < ended["usage"]["completion_tokens"] < WORDS
    assert [row["type"] for row in service.rows(run)][-3:] == ["cancel_requested", "usage_counted", "run_ended"]
    assert site.witness.calls("finished") == []


def test_a_run_that_nobody_carries_yet_is_cancelled_before_it_starts_anything(site: Site) -> None:
    service = site.service()
    run = service.start(graph({"one": call("one")}, "start one"))

    service.post(f"/v1/runs/{run}/cancel", {})
    site.workers(1)

    assert service.ended(run)["status"] == "cancelled"
    assert site.witness.calls() == []


def test_a_cancel_survives_the_death_of_the_worker_it_was_meant_for(site: Site) -> None:
    service, (worker,) = site.service(), site.workers(1, WEFT_LEASE_SECONDS="1")
    run = service.start(graph({"held": call("held", "gate")}, "start held"))
    site.holder([worker])

    worker.kill()
    service.post(f"/v1/runs/{run}/cancel", {})
    site.workers(1)

    assert service.ended(run)["status"] == "cancelled"
    assert len(site.witness.calls(name="held")) == 1


def test_two_cancels_are_one(site: Site) -> None:
    service, workers = site.service(), site.workers(1)
    run = service.start(talking())
    site.holder(workers)

    for _ in range(2):
        service.post(f"/v1/runs/{run}/cancel", {})
    until(lambda: service.run(run)["ended_at"], "the end of the run")

    assert [row["type"] for row in service.rows(run)].count("cancel_requested") == 1
