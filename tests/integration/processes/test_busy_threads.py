"""Starts on a thread whose run another process is working on, over each database."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.processes.graphs import call, chain, graph
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes


def a_held_run(site: Site, service: Rest, **variables: str) -> tuple[str, str]:
    """The thread and the run; `before` is done, `held` is under way in one of two workers."""
    workers = site.workers(2, **variables)
    thread = str(service.post("/v1/threads", {})["id"])
    service.ended(service.start(graph({"early": call("early")}, "start early"), thread_id=thread))
    run = service.start(chain("before", "held", "after"), thread_id=thread)
    site.holder(workers)
    return thread, run


def next_one() -> dict[str, Any]:
    return graph({"next": call("next")}, "start next")


def names(site: Site) -> list[str]:
    return [made.name for made in site.witness.calls()]


def test_enqueue_waits_for_the_run_that_is_under_way(site: Site) -> None:
    service = site.service()
    thread, held = a_held_run(site, service)
    run = service.start(next_one(), thread_id=thread)
    assert service.run(run)["status"] == "queued"

    site.witness.open("gate")

    assert service.ended(run)["output"] == {"calls": ["early", "before", "held", "after", "next"]}
    assert service.run(held)["status"] == "completed"


def test_reject_refuses_all_of_fifty_while_a_run_is_under_way_and_all_but_one_when_it_is_over(site: Site) -> None:
    service = site.service()
    thread, held = a_held_run(site, service)

    def start(_: int) -> httpx.Response:
        order = {"workflow": chain("next", "held"), "thread_id": thread, "on_busy": "reject"}
        return web.post(f"{service.url}/v1/runs", json=order, timeout=60)

    with ThreadPoolExecutor(10) as threads:
        refused = list(threads.map(start, range(50)))
        assert {answer.status_code for answer in refused} == {409}
        assert all(answer.json()["code"] == "thread_busy" and held in answer.json()["detail"] for answer in refused)
        service.post(f"/v1/runs/{held}/cancel", {})
        service.ended(held)
        once = list(threads.map(start, range(50)))

    assert sorted(answer.status_code for answer in once) == [202, *[409] * 49]


def test_interrupt_stops_what_is_under_way_in_another_process_and_keeps_what_it_did(site: Site) -> None:
    service = site.service()
    thread, held = a_held_run(site, service)
    behind = service.start(graph({"behind": call("behind")}, "start behind"), thread_id=thread)

    run = service.start(next_one(), thread_id=thread, on_busy="interrupt")

    assert service.ended(run)["output"] == {"calls": ["early", "before", "next"]}
    assert [service.run(other)["status"] for other in (held, behind)] == ["cancelled", "cancelled"]
    assert names(site) == ["early", "before", "held", "next"]


def test_rollback_undoes_what_was_under_way_in_another_process(site: Site) -> None:
    service = site.service()
    thread, held = a_held_run(site, service)
    behind = service.start(graph({"behind": call("behind")}, "start behind"), thread_id=thread)

    run = service.start(next_one(), thread_id=thread, on_busy="rollback")

    assert service.ended(run)["output"] == {"calls": ["early", "next"]}
    assert [service.run(other)["status"] for other in (held, behind)] == ["cancelled", "cancelled"]
    assert [row["type"] for row in service.rows(run)][:2] == ["state_restored", "run_started"]


def test_a_rollback_survives_the_death_of_the_worker_that_had_the_run(site: Site) -> None:
    service = site.service()
    workers = site.workers(1, WEFT_LEASE_SECONDS="1")
    thread = str(service.post("/v1/threads", {})["id"])
    held = service.start(chain("before", "held", "after"), thread_id=thread)
    site.holder(workers).kill()

    run = service.start(next_one(), thread_id=thread, on_busy="rollback")
    site.workers(2, WEFT_LEASE_SECONDS="1")

    assert service.ended(run)["output"] == {"calls": ["next"]}
    assert service.run(held)["status"] == "cancelled"
    assert [row["type"] for row in service.rows(run)].count("state_restored") == 1


def test_a_run_goes_on_in_a_branch_while_its_own_is_still_held(site: Site) -> None:
    service = site.service()
    thread, held = a_held_run(site, service)

    branch = service.post(f"/v1/threads/{thread}/branches", {"continue": True})
    until(lambda: names(site).count("held") == 2, "the held node, once more")
    site.witness.open("gate")
    mine, its = service.ended(held), service.ended(branch["run_id"])

    assert its["output"] == mine["output"] == {"calls": ["early", "before", "held", "after"]}
    assert sorted(names(site)) == ["after", "after", "before", "early", "held", "held"]
