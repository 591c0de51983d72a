"""Many workers use one budget at once, and are killed while they do: what is charged and reserved never passes the limit."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.processes.site import Site
from tests.servers.until import until

pytestmark = pytest.mark.processes

TOKENS = 10
"""Of each call, as reserved and as used: six asked, four answered."""
LEASE = {"WEFT_LEASE_SECONDS": "2"}
CHARGED = "SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM usage WHERE state <> 'void'"
COUNTED = "SELECT count(*) FROM usage WHERE state IN ('counted', 'unknown')"


def many_calls(delay_seconds: float) -> dict[str, Any]:
    """A call for each item, as many at once as there are; one that fails is an item like any other."""
    options = {"rules": [{"answer": "aaaa bbbb cccc", "delay_seconds": delay_seconds, "chunk_seconds": 0}]}
    call = {"kind": "llm", "model": "scripted/assistant", "prompt": "hello", "max_tokens": 4, "options": options}
    over = {"kind": "map", "over": "${input.items}", "graph": {"nodes": {"call": call}, "edges": [{"from": "start", "to": "call"}]}}
    return {
        "weft": 1,
        "name": "crowd",
        "version": "1.0.0",
        "state": {"all": {"type": "array"}},
        "nodes": {"each": {**over, "concurrency": 5, "on_item_error": "collect", "writes": {"all": "${output}"}}},
        "edges": [{"from": "start", "to": "each"}],
        "output": {"all": "${state.all}"},
    }


@contextmanager
def watched(site: Site, limit: int) -> Iterator[list[int]]:
    """What the ledger says again and again, while the runs go on."""
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            seen.append(site.number(CHARGED))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
    assert max(seen) <= limit


def crowd(
    site: Site, workers: int, runs: int, calls: int, limit: int, delay: float, meanwhile: Callable[[list[Any]], None]
) -> Counter[str]:
    """What came of each call."""
    service, started = site.service(), site.workers(workers, **LEASE, WEFT_WORKER_RUNS=str(runs // workers))
    service.post("/v1/budgets", {"name": "all", "limit": {"tokens": limit}})
    with watched(site, limit):
        names = [service.start(many_calls(delay), input={"items": list(range(calls))}) for _ in range(runs)]
        meanwhile(started)
        ended = [service.ended(name, 60) for name in names]
    assert {run["status"] for run in ended} == {"completed"}
    items = [item for run in ended for item in run["output"]["all"]]
    assert len(items) == runs * calls
    return Counter("made" if "error" not in item else item["error"]["code"] for item in items)


def test_calls_of_many_workers_use_a_budget_up_to_its_end_and_not_beyond(site: Site) -> None:
    workers = 4 if site.database_url.startswith("postgres") else 2
    came = crowd(site, workers, runs=12, calls=10, limit=75 * TOKENS, delay=0.01, meanwhile=lambda _: None)

    assert came == {"made": 75, "budget_exceeded": 45}
    assert site.number(COUNTED) == 75
    assert site.number(CHARGED) == 75 * TOKENS
    assert site.count("budget_accounts", f"taken = '{75 * TOKENS}'") == 1


def test_workers_that_are_killed_take_no_more_than_what_their_calls_had_reserved(site: Site) -> None:
    limit = 150 * TOKENS

    def kill(workers: list[Any]) -> None:
        until(lambda: site.count("usage", "state = 'reserved'") >= 10, "calls under way")
        for worker in workers[:2]:
            worker.kill()

    came = crowd(site, 3, runs=12, calls=20, limit=limit, delay=0.5, meanwhile=kill)

    charged, account = site.number(CHARGED), site.number("SELECT taken FROM budget_accounts")
    assert set(came) == {"made", "budget_exceeded"}
    assert charged <= account <= limit
    assert charged >= limit - 60 * TOKENS, "only what the killed had marked, and not begun, is lost"
    assert site.count("usage", "state = 'unknown'") > 0
