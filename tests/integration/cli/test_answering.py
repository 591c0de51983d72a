"""`weft runs answer`, `weft runs list --waiting`, and breakpoints at the command line."""

import pytest

from tests.integration.cli.command import COUNTING, Weft
from tests.servers.rest import Rest

pytestmark = pytest.mark.processes

ASKING = """\
weft: 1
name: asking
version: 1.0.0
state:
  said: {type: string}
nodes:
  ask: {kind: human, show: {text: "Which one?"}, schema: {type: string, enum: [left, right]}, writes: {said: "${output}"}}
edges:
  - {from: start, to: ask}
  - {from: ask, to: end}
"""


def test_a_question_is_listed_and_answered(weft: Weft) -> None:
    url = weft.commands.serve().url()
    service = Rest(url)
    weft("publish", weft.write("asking.yaml", ASKING), "--server", url)
    run = str(service.post("/v1/runs?wait=30", {"workflow": "asking"})["id"])

    assert weft("runs", "list", "--waiting", "--server", url).out == f'{run}\t/ask#1\t\toperator\t{{"text": "Which one?"}}\n'
    wrong = weft("runs", "answer", run, "--input", '"up"', "--server", url)
    assert (wrong.code, wrong.out, "/answer" in wrong.err) == (2, "", True)
    alone = weft("runs", "answer", run, "--server", url)
    assert (alone.code, "--input" in alone.err) == (2, True)
    assert weft("runs", "answer", run, "--input", '"left"', "--server", url).out == f"run {run} goes on: /ask#1 is answered\n"
    assert service.ended(run)["output"] == {"said": "left"}
    late = weft("runs", "answer", run, "--activation", "/ask#1", "--input", '"left"', "--server", url)
    assert (late.code, "has answered" in late.err) == (2, True)
    assert weft("runs", "list", "--waiting", "--server", url).out == ""


def test_a_run_here_stops_where_it_is_told_to(weft: Weft) -> None:
    stopped = weft("run", weft.write("counting.yaml", COUNTING), "--pause-before", "twice")

    assert (stopped.code, stopped.out) == (1, "")
    assert "waits for somebody" in stopped.err
