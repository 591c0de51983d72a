"""`weft runs list --needs-attention` and `weft runs resolve`: from a call without an answer to the end of its run."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli.command import SLEEPING, Weft
from tests.servers.commands import commands
from tests.servers.rest import Rest
from tests.servers.until import until
from tests.servers.witness import Witness

pytestmark = pytest.mark.processes

PAYING = """\
weft: 1
name: paying
version: 1.0.0
state:
  name: {type: string}
nodes:
  pay: {kind: tool, tool: once, arguments: {name: Ada, until: never}, timeout_seconds: 0.2, writes: {name: "${output.name}"}}
edges:
  - {from: start, to: pay}
  - {from: pay, to: end}
"""


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness.settled_in(tmp_path / "witness")


@pytest.fixture
def weft(tmp_path: Path, witness: Witness) -> Iterator[Weft]:
    with commands(tmp_path / "weft", witness.variables, witness.package) as started:
        yield Weft(started)


def test_an_operator_finds_what_is_unknown_and_decides(weft: Weft, witness: Witness) -> None:
    url = weft.commands.serve().url()
    service = Rest(url)
    for name, document in (("paying", PAYING), ("sleeping", SLEEPING)):
        weft("publish", weft.write(f"{name}.yaml", document), "--server", url)
    runs = [str(service.post("/v1/runs?wait=30", {"workflow": "paying"})["id"]) for _ in range(3)]
    asleep = str(service.post("/v1/runs", {"workflow": "sleeping"})["id"])
    until(lambda: service.run(asleep)["status"] == "parked", "a run that sleeps")

    listed = weft("runs", "list", "--needs-attention", "--json", "--server", url)
    assert [(call["run"], call["activation"], call["tool"]) for call in listed.json] == [(run, "/pay#1", "once") for run in reversed(runs)]
    assert [call["arguments"] for call in listed.json] == [{"name": "Ada", "until": "never"}] * 3
    assert {call["key"] for call in listed.json} == {call.key for call in witness.calls()}
    (line,) = weft("runs", "list", "--needs-attention", "--limit", "1", "--server", url).out.splitlines()
    newest = listed.json[0]
    told = [runs[-1], "/pay#1", "once", newest["since"], json.dumps(newest["arguments"]), newest["key"], newest["reason"]]
    assert line.split("\t") == told

    for run, *decision in (
        (runs[0], "--happened", "--output", '{"name": "paid by hand"}'),
        (runs[1], "--failed", "--reason", "refunded"),
    ):
        said = weft("runs", "resolve", run, "/pay#1", *decision, "--server", url)
        assert said.out == f"run {run} goes on: /pay#1 {decision[0].removeprefix('--')}\n"

    assert service.ended(runs[0])["output"] == {"name": "paid by hand"}
    assert service.ended(runs[1])["error"]["code"] == "unknown_outcome"
    assert [call["run"] for call in weft("runs", "list", "--needs-attention", "--json", "--server", url).json] == [runs[2]]
    assert len(witness.calls()) == 3


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        pytest.param([], "say one of", id="none"),
        pytest.param(["--happened", "--failed"], "say one of", id="two"),
        pytest.param(["--happened", "--output", "{"], "--output is not JSON", id="an output that is no JSON"),
    ],
)
def test_a_decision_that_says_nothing_is_refused_before_it_is_sent(weft: Weft, decision: list[str], told: str) -> None:
    refused = weft("runs", "resolve", "some-run", "/pay#1", *decision, "--server", "http://127.0.0.1:9")

    assert (refused.code, told in refused.err) == (2, True)
