"""Several workers, one schedule: each due time is one run, also when a worker is killed in between."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""

QUICK = {
    "weft": 1,
    "name": "quick",
    "version": "1.0.0",
    "state": {"x": {"type": "integer", "default": 0}},
    "nodes": {"add": {"kind": "transform", "writes": {"x": "${state.x + 1}"}}},
    "edges": [{"from": "start", "to": "add"}],
}
EVERY_SECOND = {"workflow": "quick", "every_seconds": 1, "overlap": "allow", "catch_up_seconds": 300}


def firings(service: Rest, schedule: str) -> list[dict[str, Any]]:
    """Oldest first, those that are not being started any more."""
    answer = web.get(f"{service.url}/v1/schedules/{schedule}/firings", params={"limit": 200}, timeout=30).json()
    return [firing for firing in reversed(answer["items"]) if firing["state"] != "due"]


def due_times_of_runs(service: Rest, schedule: str) -> Counter[str]:
    items = web.get(f"{service.url}/v1/runs", params={"limit": 200}, timeout=30).json()["items"]
    runs = [service.run(item["id"]) for item in items]
    return Counter(run["metadata"]["due"] for run in runs if run["metadata"].get("schedule") == schedule)


def assert_each_second_is_one_run(service: Rest, schedule: str, at_least: int) -> None:
    """Of a schedule that is deleted, or paused: nothing is started any more."""
    fired = firings(service, schedule)
    due = [datetime.fromisoformat(firing["due"]) for firing in fired]

    assert {firing["state"] for firing in fired} == {"started"}
    assert len(fired) >= at_least
    assert due == [due[0] + timedelta(seconds=n) for n in range(len(due))]
    assert due_times_of_runs(service, schedule) == {firing["due"]: 1 for firing in fired}


@pytest.mark.parametrize("kill", [False, True], ids=["both live", "one is killed"])
def test_each_second_is_one_run_whatever_the_number_of_workers(site: Site, kill: bool) -> None:
    service, workers = site.service(), site.workers(2, WEFT_LEASE_SECONDS="2")
    service.post("/v1/workflows", QUICK)
    schedule = service.post("/v1/schedules", EVERY_SECOND)["id"]
    until(lambda: len(firings(service, schedule)) >= 2, "two firings")
    if kill:
        workers[0].kill()
    until(lambda: len(firings(service, schedule)) >= 6, "six firings", 40)
    web.patch(f"{service.url}/v1/schedules/{schedule}", json={"paused": True}, timeout=30).raise_for_status()
    until(lambda: site.count("firings", "state IN ('due', 'waiting')") == 0, "nothing that is being started", 40)
    until(lambda: site.count("schedules", "wake_at IS NOT NULL") == 0, "a schedule that rests", 40)

    assert_each_second_is_one_run(service, schedule, 6)
    assert all(service.ended(firing["run_id"])["output"] == {"x": 1} for firing in firings(service, schedule))
