"""`weft usage` and `weft graph --costs`, with a service that has run something."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from interface.cli.failures import CommandFailed
from interface.cli.spending import sparkline
from interface.cli.times import time_of
from tests.integration.cli.command import EXAMPLES, Weft

EMPTY = """\
weft: 1
name: empty
version: 1.0.0
nodes:
  nothing: {kind: transform}
edges:
  - {from: start, to: nothing}
  - {from: nothing, to: end}
"""
NOW = datetime(2026, 5, 8, 15, 30, tzinfo=UTC)


@pytest.mark.processes
def test_what_a_service_spent_is_told_by_day_by_run_and_on_the_picture(weft: Weft) -> None:
    service = weft.commands.serve()
    server = ("--server", service.url())
    weft("publish", EXAMPLES / "draft_and_critique.yaml", *server)
    order = {"workflow": "draft-and-critique", "input": json.loads((EXAMPLES / "data" / "draft.json").read_text())}
    run = httpx.post(f"{service.url()}/v1/runs?wait=30", json=order, timeout=60).json()
    assert run["status"] == "completed", run

    by_day = weft("usage", "--json", *server)
    assert by_day.code == 0, by_day.err
    assert [(item["day"], item["cost"]["amount"]) for item in by_day.json] == [(run["created_at"][:10], run["cost"]["amount"])]
    table = weft("usage", run["id"], *server)
    assert [line.split("\t")[0] for line in table.out.splitlines()] == ["critique", "draft"]
    assert "6 calls" in table.err
    rows = list(csv.DictReader(io.StringIO(weft("usage", "--by", "workflow,node", "--csv", *server).out)))
    assert sum(Decimal(row["cost"]) for row in rows) == Decimal(run["cost"]["amount"])
    assert "█" in weft("usage", "--since", "24h", *server).err

    recent = ("history", "--type", "token_usage", "--since")
    assert len(weft(*recent, "30m", "--json", *server).json) == 6
    assert weft(*recent, "2036-05-01", "--json", *server).json == []
    wrong = weft(*recent, "yesterday", *server)
    assert (wrong.code, wrong.out) == (2, "")
    assert "--since yesterday: say 7d, 24h, 30m" in wrong.err

    costs = weft("graph", "draft-and-critique", "--costs", "--format", "text", *server)
    assert costs.code == 0, costs.err
    assert "critique -> draft (loop)\t2\t" in costs.out
    assert "a run, in the newest run that has ended" in costs.err
    assert "wants the NAME of a published workflow" in weft("graph", EXAMPLES / "draft_and_critique.yaml", "--costs", *server).err
    assert "USD, 2x" in weft("graph", "draft-and-critique@1.0.0", "--costs", *server).out


@pytest.mark.processes
def test_the_history_of_a_run_that_is_not_there_says_so(weft: Weft) -> None:
    service = weft.commands.serve()
    server = ("--server", service.url())
    unknown = weft("history", "no-such-run", *server)
    assert (unknown.code, unknown.out) == (weft("usage", "no-such-run", *server).code, "")
    assert "there is no run" in unknown.err

    weft("publish", weft.write("empty.yaml", EMPTY), *server)
    run = httpx.post(f"{service.url()}/v1/runs?wait=30", json={"workflow": "empty"}, timeout=60).json()["id"]
    none_of_it = weft("history", run, "--type", "llm_request", "--json", *server)
    assert (none_of_it.code, none_of_it.json) == (0, [])
    assert httpx.get(f"{service.url()}/v1/history?run=no-such-run").json()["items"] == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", "2026-05-02T00:00:00+00:00"),
        ("1d", "2026-05-08T00:00:00+00:00"),
        ("24h", "2026-05-07T15:30:00+00:00"),
        ("30m", "2026-05-08T15:00:00+00:00"),
        ("2026-05-01", "2026-05-01T00:00:00+00:00"),
        ("2026-05-01T10:00:00+02:00", "2026-05-01T10:00:00+02:00"),
        (None, None),
    ],
)
def test_times_are_said_as_people_say_them(text: str | None, at: str | None) -> None:
    assert time_of(text, NOW, "--since") == at


@pytest.mark.parametrize("text", ["yesterday", "7", "2026-13-01", "9999d9", "999999d"])
def test_what_is_no_time_says_what_is(text: str) -> None:
    with pytest.raises(CommandFailed, match=r"--since .*: say 7d, 24h"):
        time_of(text, NOW, "--since")


def test_a_sparkline_has_a_bar_for_each_value_and_the_lowest_for_nothing() -> None:
    values = [Decimal(0), Decimal("0.001"), Decimal("0.5"), Decimal(1)]

    assert sparkline(values) == "▁▂▅█"
    assert sparkline([Decimal(0)] * 3) == "▁▁▁"
    assert sparkline([]) == ""
