"""People in the middle, where workers are processes that die."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.processes.graphs import call, graph
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""

LEASE = {"WEFT_LEASE_SECONDS": "1"}
ASK = {"kind": "human", "show": "go on?", "schema": {"type": "boolean"}}


def parked(service: Rest, run: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = service.run(run)
        return found if found["status"] == "parked" and found["waits_for"] == ["human"] else None

    return until(look, "a run that asks somebody")


def answer(service: Rest, run: str, said: Any, activation: str = "/ask#1") -> int:
    return web.post(f"{service.url}/v1/runs/{run}/answers", json={"activation": activation, "answer": said}, timeout=30).status_code


def test_a_worker_that_is_killed_between_the_answer_and_the_next_node_repeats_nothing(site: Site) -> None:
    """The next node is held in the middle: its call began once with each worker, and nothing before it was done again."""
    nodes = {"before": call("before"), "ask": ASK, "held": call("held", "gate"), "after": call("after")}
    service, (first,) = site.service(), site.workers(1, **LEASE)
    run = service.start(graph(nodes, "start before ask held after"))
    parked(service, run)
    assert answer(service, run, True) == 200
    until(lambda: site.witness.calls(name="held"), "the node behind the question")
    first.kill()
    site.workers(1, **LEASE)
    site.witness.open("gate")

    assert service.ended(run)["output"]["calls"] == ["before", "held", "after"]
    assert [len(site.witness.calls(name=name)) for name in ("before", "after")] == [1, 1]
    assert [row["type"] for row in service.rows(run)].count("answered") == 1
    assert answer(service, run, False) == 409


def test_an_answer_while_nobody_works_is_there_for_the_next_worker(site: Site) -> None:
    service, (first,) = site.service(), site.workers(1, **LEASE)
    run = service.start(graph({"before": call("before"), "ask": ASK, "after": call("after")}, "start before ask after"))
    parked(service, run)
    first.kill()
    assert answer(service, run, True) == 200
    assert answer(service, run, False) == 409
    site.workers(1, **LEASE)

    assert service.ended(run)["output"]["calls"] == ["before", "after"]
    assert site.count("inbox", "kind = 'answer'") == 0


def test_of_fifty_answers_over_two_services_one_is_taken(site: Site) -> None:
    services = [site.service(), site.service()]
    site.workers(2, **LEASE)
    run = services[0].start(graph({"ask": {**ASK, "writes": {"calls": "${output ? 'yes' : 'no'}"}}}, "start ask"))
    parked(services[0], run)
    with ThreadPoolExecutor(25) as pool:
        told = list(pool.map(lambda number: answer(services[number % 2], run, number % 3 == 0), range(50)))

    winner = told.index(200)
    assert (told.count(200), told.count(409)) == (1, 49)
    assert services[1].ended(run)["output"]["calls"] == ["yes" if winner % 3 == 0 else "no"]


def test_an_approved_call_that_may_happen_once_happens_once_though_its_worker_is_killed_before_it(site: Site) -> None:
    service, (first,) = site.service(), site.workers(1, **LEASE)
    run = service.start(graph({"pay": {**call("pay", tool="once"), "approval": {}}}, "start pay"))
    shown = parked(service, run)["waiting_for"][0]["show"]
    first.kill()
    assert (shown["arguments"], site.witness.calls()) == ({"name": "pay"}, [])
    assert answer(service, run, {"approved": True, "hash": shown["hash"]}, "/pay#1") == 200
    site.workers(2, **LEASE)

    assert service.ended(run)["status"] == "completed"
    assert len(site.witness.calls(name="pay")) == 1
