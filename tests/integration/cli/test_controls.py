"""`weft runs pause`, `resume` and `signal`."""

import pytest

from tests.integration.cli.command import COUNTING, Weft
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes

APPROVED = """\
weft: 1
name: approved
version: 1.0.0
state:
  by: {type: string}
nodes:
  approval: {kind: wait, signal: approved, writes: {by: "${output.payload.by}"}}
edges:
  - {from: start, to: approval}
  - {from: approval, to: end}
"""


def test_a_run_is_paused_resumed_and_signalled(weft: Weft) -> None:
    url = weft.commands.serve().url()
    service = Rest(url)
    weft("publish", weft.write("approved.yaml", APPROVED), "--server", url)
    run = str(service.post("/v1/runs?wait=30", {"workflow": "approved"})["id"])

    assert weft("runs", "resume", run, "--server", url).out == f"run {run} is not paused\n"
    assert weft("runs", "pause", run, "--reason", "lunch", "--server", url).out == f"run {run} is asked to pause\n"
    until(lambda: service.run(run)["paused"], "a paused run")
    assert weft("runs", "pause", run, "--server", url).out == f"run {run} is paused already\n"
    assert weft("runs", "resume", run, "--server", url).out == f"run {run} goes on\n"
    payload = weft.write("payload.yaml", "by: Ada\n")
    assert weft("runs", "signal", run, "approved", "--payload", f"@{payload}", "--server", url).out == f"run {run} is sent approved\n"

    assert service.ended(run)["output"] == {"by": "Ada"}
    late = weft("runs", "signal", run, "approved", "--server", url)
    assert (late.code, late.out) == (2, "")
    assert "takes no signals any more" in late.err
    assert weft("runs", "pause", run, "--server", url).out == f"run {run} had ended before: completed\n"


def test_a_payload_that_is_no_json_is_refused_before_anything_is_sent(weft: Weft) -> None:
    weft.write("counting.yaml", COUNTING)

    refused = weft("runs", "signal", "some-run", "go", "--payload", "{", "--server", "http://127.0.0.1:9")
    assert (refused.code, "--payload is not JSON" in refused.err) == (2, True)
