"""A tool that may be called once only, and a worker that is killed in the middle of its call."""

import signal
from typing import Any

import pytest

from tests.integration.processes.graphs import call, graph
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.until import until

pytestmark = pytest.mark.processes

LEASE = {"WEFT_LEASE_SECONDS": "1"}


@pytest.mark.parametrize(
    ("decision", "calls", "ended"),
    [
        pytest.param({"decision": "happened", "output": {"name": "said so"}}, 1, ["said so", "after"], id="it happened"),
        pytest.param({"decision": "did_not_happen"}, 2, ["held", "after"], id="it did not"),
    ],
)
def test_it_is_not_called_again_before_somebody_decides(site: Site, decision: dict[str, object], calls: int, ended: list[str]) -> None:
    nodes = {"held": call("held", "gate", "once"), "after": call("after")}
    service, workers = site.service(), site.workers(2, **LEASE)
    run = service.start(graph(nodes, "start held after"))
    site.holder(workers).kill()

    def needs_attention() -> list[dict[str, Any]]:
        view = service.run(run)
        return [one for one in view["waiting_for"] if one["kind"] == "needs_attention"] if view["status"] == "parked" else []

    (waiting,) = until(needs_attention, "the run to be parked for a person")
    site.witness.open("gate")
    called = site.witness.calls(name="held")
    deciding = f"{service.url}/v1/runs/{run}/resolve"
    answer = web.post(deciding, json={"activation": waiting["activation"], **decision})
    other = web.post(deciding, json={"activation": waiting["activation"], "decision": "failed"})
    view = service.ended(run)

    assert [known.key for known in called] == [waiting["about"]["key"]]
    assert (answer.status_code, other.status_code) == (202, 409)
    assert (view["status"], view["output"]["calls"]) == ("completed", ended)
    assert len(site.witness.calls(name="held")) == calls
    assert len({known.key for known in site.witness.calls(name="held")}) == 1


def test_the_answer_that_a_stalled_worker_gets_settles_it_without_anybody(site: Site) -> None:
    nodes = {"held": call("held", "gate", "once"), "after": call("after")}
    service, workers = site.service(), site.workers(2, **LEASE)
    run = service.start(graph(nodes, "start held after"))
    stalled = site.holder(workers)
    stalled.ask_to_stop(signal.SIGSTOP)
    until(lambda: service.run(run)["waits_for"] == ["needs_attention"], "the run to be parked for a person")
    site.witness.open("gate")
    stalled.ask_to_stop(signal.SIGCONT)
    view = service.ended(run)

    (said,) = [row for row in service.rows(run) if row["type"] == "effect_resolved"]
    assert (said["decision"], said["by"]) == ("happened", "the worker that made the call")
    assert (view["status"], view["output"]["calls"]) == ("completed", ["held", "after"])
    assert len(site.witness.calls(name="held")) == 1
