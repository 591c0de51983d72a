"""Many runs on many workers that use one budget at once, and what the ledger says meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.integration.processes.site import Site

TOKENS = 10
"""Of each call, as reserved and as used: six asked, four answered."""
LEASE = {"WEFT_LEASE_SECONDS": "2"}
CHARGED = "SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM usage WHERE state <> 'void'"
COUNTED = "SELECT count(*) FROM usage WHERE state IN ('counted', 'unknown')"


def many_calls(delay_seconds: float, at_once: int) -> dict[str, Any]:
    """A call for each item, so many at once; one that fails is an item like any other."""
    options = {"rules": [{"answer": "aaaa bbbb cccc", "delay_seconds": delay_seconds, "chunk_seconds": 0}]}
    call = {"kind": "llm", "model": "scripted/assistant", "prompt": "hello", "max_tokens": 4, "options": options}
    over = {"kind": "map", "over": "${input.items}", "graph": {"nodes": {"call": call}, "edges": [{"from": "start", "to": "call"}]}}
    return {
        "weft": 1,
        "name": "crowd",
        "version": "1.0.0",
        "state": {"all": {"type": "array"}},
        "nodes": {"each": {**over, "concurrency": at_once, "on_item_error": "collect", "writes": {"all": "${output}"}}},
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
    site: Site,
    workers: int,
    runs: int,
    calls: int,
    limit: int,
    delay: float,
    meanwhile: Callable[[list[Any]], None],
    at_once: int = 5,
    looks: list[int] | None = None,
) -> Counter[str]:
    """What came of each call. `looks`: takes what the ledger said."""
    service, started = site.service(), site.workers(workers, **LEASE, WEFT_WORKER_RUNS=str(runs // workers))
    service.post("/v1/budgets", {"name": "all", "limit": {"tokens": limit}})
    with watched(site, limit) as seen:
        names = [service.start(many_calls(delay, at_once), input={"items": list(range(calls))}) for _ in range(runs)]
        meanwhile(started)
        ended = [service.ended(name, 120) for name in names]
    if looks is not None:
        looks += seen
    assert {run["status"] for run in ended} == {"completed"}
    items = [item for run in ended for item in run["output"]["all"]]
    assert len(items) == runs * calls
    return Counter("made" if "error" not in item else item["error"]["code"] for item in items)
