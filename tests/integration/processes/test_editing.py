"""Edits of threads, over two services, while another process works on them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.processes.graphs import chain
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.rest import Rest

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""
EDITS = 50


def edit(service: Rest, thread: str, number: int) -> httpx.Response:
    """Each adds a name of its own."""
    change = {"operation": "create", "path": "/calls/-", "value": f"edit {number}"}
    return web.patch(f"{service.url}/v1/threads/{thread}/state", json={"changes": [change]}, timeout=60)


def edited(services: list[Rest], thread: str) -> list[httpx.Response]:
    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(lambda number: edit(services[number % 2], thread, number), range(EDITS)))


def calls(service: Rest, thread: str) -> list[str]:
    found: dict[str, Any] = web.get(f"{service.url}/v1/threads/{thread}/state", timeout=30).raise_for_status().json()
    return list(found["values"]["calls"])


def test_while_a_node_runs_every_edit_is_refused_and_afterwards_none_is_lost(site: Site) -> None:
    services = [site.service(), site.service()]
    workers = site.workers(2)
    thread = str(services[0].post("/v1/threads", {})["id"])
    run = services[0].start(chain("before", "held", "after"), thread_id=thread)
    site.holder(workers)

    refused = edited(services, thread)
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "thread_busy")}
    assert all(run in answer.json()["detail"] for answer in refused)
    site.witness.open("gate")
    assert services[0].ended(run)["output"] == {"calls": ["before", "held", "after"]}
    answers = edited(services, thread)

    taken = [f"edit {number}" for number, answer in enumerate(answers) if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert taken
    assert calls(services[1], thread)[:3] == ["before", "held", "after"]
    assert sorted(calls(services[1], thread)[3:]) == sorted(taken)


def test_edits_that_race_with_a_run_are_each_there_once_or_refused(site: Site) -> None:
    services = [site.service(), site.service()]
    thread = str(services[0].post("/v1/threads", {})["id"])
    run = services[0].start(chain("one", "two", "three"), thread_id=thread)
    with ThreadPoolExecutor(1) as pool:
        editing = pool.submit(edited, services, thread)
        site.workers(1)
        answers = editing.result()
    services[0].ended(run)

    taken = [f"edit {number}" for number, answer in enumerate(answers) if answer.status_code == 200]
    assert sorted(name for name in calls(services[1], thread) if name.startswith("edit")) == sorted(taken)
    assert [name for name in calls(services[1], thread) if not name.startswith("edit")] == ["one", "two", "three"]
