"""Many workers use one budget at once, and are killed while they do: what is charged and reserved never passes the limit."""

from typing import Any

import pytest

from tests.integration.processes.crowd import CHARGED, COUNTED, TOKENS, crowd
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.until import until

pytestmark = pytest.mark.processes


def test_calls_of_many_workers_use_a_budget_up_to_its_end_and_not_beyond(site: Site) -> None:
    workers = 4 if site.database_url.startswith("postgres") else 2
    came = crowd(site, workers, runs=12, calls=10, limit=75 * TOKENS, delay=0.01, meanwhile=lambda _: None)

    assert came == {"made": 75, "budget_exceeded": 45}
    assert site.number(COUNTED) == 75
    assert site.number(CHARGED) == 75 * TOKENS
    assert site.count("budget_accounts", f"taken = '{75 * TOKENS}'") == 1


def test_readers_of_runs_on_several_workers_hear_of_each_mark_once(site: Site) -> None:
    crowd(site, 2, runs=4, calls=10, limit=20 * TOKENS, delay=0.01, meanwhile=lambda _: None)

    service = site.service()
    runs = [run["id"] for run in web.get(f"{service.url}/v1/runs", timeout=30).json()["items"]]
    heard = [[row["percent"] for row in service.rows(run) if row["type"] == "budget_alert"] for run in runs]
    assert len(heard) == 4
    assert all(sorted(set(percents)) == percents for percents in heard)
    assert 100 in {percent for percents in heard for percent in percents}, "some call was the first to be refused"


def test_workers_that_are_killed_take_no_more_than_what_their_calls_had_reserved(site: Site) -> None:
    limit = 150 * TOKENS

    def kill(workers: list[Any]) -> None:
        # One worker has 20 at most: 4 runs, 5 calls each. So at least one of those that are killed has some.
        until(lambda: site.count("usage", "state = 'reserved'") > 20, "calls of two workers under way")
        for worker in workers[:2]:
            worker.kill()

    came = crowd(site, 3, runs=12, calls=20, limit=limit, delay=0.5, meanwhile=kill)

    charged, account = site.number(CHARGED), site.number("SELECT taken FROM budget_accounts")
    assert set(came) == {"made", "budget_exceeded"}
    assert charged <= account <= limit
    assert charged >= limit - 60 * TOKENS, "only what the killed had marked, and not begun, is lost"
    assert site.count("usage", "state = 'unknown'") > 0
