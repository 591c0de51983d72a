"""Signals and pauses where workers are processes that die."""

from typing import Any

import pytest

from tests.integration.processes.graphs import call
from tests.integration.processes.site import Site
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""

LEASE = {"WEFT_LEASE_SECONDS": "2"}
WOKEN = {"got": {"type": "array", "merge": "append", "default": []}}
WAIT = {"kind": "wait", "signal": "go", "writes": {"got": "${output.payload}"}}


def graph(nodes: dict[str, Any], *pairs: tuple[str, str]) -> dict[str, Any]:
    edges = [{"from": source, "to": target} for source, target in pairs]
    return {"weft": 1, "name": "signalled", "version": "1.0.0", "state": WOKEN, "nodes": nodes, "edges": edges}


def side_by_side(count: int) -> dict[str, Any]:
    names = [f"w{number}" for number in range(count)]
    return graph(dict.fromkeys(names, WAIT), *(("start", name) for name in names))


def signal(service: Rest, run: str, payload: Any) -> None:
    service.post(f"/v1/runs/{run}/signals/go", {"payload": payload})


def parked(service: Rest, run: str, kind: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = service.run(run)
        return found if found["status"] == "parked" and kind in [what["kind"] for what in found["waiting_for"]] else None

    return until(look, f"a run that is parked for a {kind}")


def test_a_parked_run_outlives_its_worker_and_is_woken_by_a_signal(site: Site) -> None:
    service, (first,) = site.service(), site.workers(1, **LEASE)
    run = service.start(side_by_side(1))
    parked(service, run, "signal")
    first.kill()
    signal(service, run, "while nobody works")
    site.workers(1, **LEASE)

    ended = service.ended(run)
    assert (ended["status"], ended["output"]) == ("completed", {"got": ["while nobody works"]})
    assert site.count("inbox", "kind = 'signal'") == 0
    assert site.count("journal", "kind = 'time_forgiven'") == 1


def test_a_signal_that_comes_before_the_wait_is_kept(site: Site) -> None:
    service, workers = site.service(), site.workers(1, **LEASE)
    nodes = {"held": {**call("held", "gate"), "writes": {}}, "w": WAIT}
    run = service.start(graph(nodes, ("start", "held"), ("held", "w")))
    holder = site.holder(workers)
    signal(service, run, "early")
    until(lambda: site.count("journal", "kind = 'signal_received'"), "the signal in the journal")
    holder.kill()
    site.workers(1, **LEASE)
    site.witness.open("gate")

    assert service.ended(run)["output"] == {"got": ["early"]}


def test_twenty_signals_wake_twenty_waits_once_each(site: Site) -> None:
    service = site.service()
    site.workers(2, **LEASE)
    run = service.start(side_by_side(20))
    for number in range(20):
        signal(service, run, number)

    assert service.ended(run)["output"] == {"got": list(range(20))}
    assert site.count("journal", "kind = 'signal_received'") == 20


def test_a_paused_run_outlives_its_worker_and_starts_nothing_until_it_is_resumed(site: Site) -> None:
    service, workers = site.service(), site.workers(1, **LEASE)
    nodes = {name: {**call(name, "gate" if name == "held" else ""), "writes": {}} for name in ("held", "after")}
    run = service.start(graph(nodes, ("start", "held"), ("held", "after")))
    holder = site.holder(workers)
    service.post(f"/v1/runs/{run}/pause", {})
    until(lambda: service.run(run)["paused"], "a run that is asked to pause")
    site.witness.open("gate")
    parked(service, run, "pause")
    holder.kill()
    site.workers(1, **LEASE)
    service.post(f"/v1/runs/{run}/pause", {})
    until(lambda: site.count("inbox", "kind = 'pause'") == 0, "the second pause is taken")
    assert site.witness.calls(name="after") == []
    service.post(f"/v1/runs/{run}/resume", {})

    assert service.ended(run)["status"] == "completed"
    assert [made.name for made in site.witness.calls()] == ["held", "after"]
