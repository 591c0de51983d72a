"""A model call that is lost with its worker is charged what was reserved for it, once, and made again."""

from typing import Any

import pytest

from tests.integration.processes.graphs import graph
from tests.integration.processes.site import Site
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""
LEASE = {"WEFT_LEASE_SECONDS": "2"}
MOST, WORDS = 500, 40


def talking() -> dict[str, Any]:
    """A model that talks for four seconds."""
    slow = {"rules": [{"answer": "word " * WORDS, "chunk_seconds": 0.1}]}
    talks = {"kind": "llm", "model": "scripted/assistant", "prompt": "Tell me.", "options": slow, "max_tokens": MOST}
    return graph({"talks": talks}, "start talks")


def lines(site: Site, run: str, state: str, about: str = "") -> int:
    return site.count("usage", f"run = '{run}' AND state = '{state}'{about}")


@pytest.mark.parametrize("durability", ["sync", "exit"])
def test_a_call_in_flight_when_its_worker_is_killed_is_one_unknown_line_and_made_again(site: Site, durability: str) -> None:
    service, (worker,) = site.service(), site.workers(1, **LEASE)
    run = service.start(talking(), durability=durability)
    until(lambda: lines(site, run, "reserved"), "the line of the call, before its answer")

    worker.kill()
    site.workers(1, **LEASE)
    ended = service.ended(run)

    assert lines(site, run, "unknown", f" AND epoch = 1 AND attempt = 1 AND completion_tokens = {MOST}") == 1
    assert lines(site, run, "counted", " AND epoch = 2") == 1
    assert site.count("usage", f"run = '{run}'") == 2
    assert (ended["status"], ended["usage"]["calls"], ended["usage"]["unknown_calls"]) == ("completed", 2, 1)
    assert MOST < ended["usage"]["completion_tokens"] < 2 * MOST


def test_a_call_that_ends_leaves_one_counted_line(site: Site) -> None:
    service, _ = site.service(), site.workers(1)
    run = service.start(graph({"says": {"kind": "llm", "model": "scripted/echo", "prompt": "Hello"}}, "start says"))
    ended = service.ended(run)

    assert lines(site, run, "counted") == site.count("usage", f"run = '{run}'") == 1
    assert (ended["usage"]["calls"], ended["usage"]["unknown_calls"]) == (1, 0)
