"""What is told of a run whose rows retention removed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from application import checkpoints
from tests.integration.rest.site import Site, open_site

WAIT = 30


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_ROWS", 2)
    async with open_site(tmp_path) as opened:
        yield opened


def counting(steps: int) -> dict[str, Any]:
    nodes = {f"n{number}": {"kind": "transform", "writes": {"x": "${state.x + 1}"}} for number in range(steps)}
    names = ["start", *nodes, "end"]
    edges = [{"from": source, "to": target} for source, target in pairwise(names)]
    return {"weft": 1, "name": "counting", "version": "1.0.0", "state": {"x": {"default": 0}}, "nodes": nodes, "edges": edges}


async def test_a_run_whose_rows_are_gone_says_so_and_keeps_its_output(site: Site) -> None:
    async with site.working():
        first = await site.start(counting(12), wait=WAIT)
        second = await site.start(counting(12), wait=WAIT, thread_id=first["thread_id"])
    forgotten = await site.weft.shared.store().retention.forget_rows(datetime.now(UTC) + timedelta(hours=1), 1000)
    found, events = await site.run(first["id"]), await site.call("GET", f"/v1/runs/{first['id']}/events")

    assert forgotten >= 14
    assert (first["rows_removed"], second["rows_removed"]) == (False, False)
    assert (found["rows_removed"], found["output"], found["status"]) == (True, first["output"], "completed")
    assert (events.status_code, events.json()["code"]) == (410, "cursor_gone")
