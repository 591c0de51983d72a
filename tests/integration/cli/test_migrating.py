"""`weft runs migrate`: first what would come of it, then the runs go on in the other version."""

import json

import pytest

from tests.integration.cli.command import Weft
from tests.servers import web

pytestmark = pytest.mark.processes

OLD = """\
weft: 1
name: support
version: 1.0.0
nodes:
  ask: {kind: wait, signal: go}
edges: [{from: start, to: ask}]
"""
NEW = """\
weft: 1
name: support
version: 2.0.0
state: {said: {type: string}}
nodes:
  approve: {kind: wait, signal: go}
  tell: {kind: transform, writes: {said: it went on}}
edges: [{from: start, to: approve}, {from: approve, to: tell}]
"""


def test_parked_runs_move_after_a_dry_run(weft: Weft) -> None:
    url = weft.commands.serve().url()
    for name, document in (("old", OLD), ("new", NEW)):
        assert weft("publish", weft.write(f"{name}.yaml", document), "--server", url).code == 0
    run = web.post(f"{url}/v1/runs?wait=30", json={"workflow": "support@1.0.0"}, timeout=60, trust_env=False).json()
    versions = ("runs", "migrate", "--from", "support@1.0.0", "--to", "support@2.0.0", "--server", url)

    unmapped = weft(*versions, "--dry-run")
    assert (unmapped.code, unmapped.out.split("\t")[:2]) == (1, [run["id"], "misfit"])
    assert "/ask is under way, and the new version has no node of that name" in unmapped.out

    mapped = (*versions, "--map", weft.write("nodes.yaml", "ask: approve\n"))
    fits = weft(*mapped, "--dry-run")
    assert (fits.code, fits.out.split("\t")[:2]) == (0, [run["id"], "fits"])
    moved = weft(*mapped, "--json")
    assert (moved.code, [one["status"] for one in json.loads(moved.out)]) == (0, ["moved"])
    assert weft(*mapped).out == ""

    assert weft("runs", "signal", run["id"], "go", "--server", url).code == 0
    assert '"said": "it went on"' in weft("runs", "events", run["id"], "--server", url).out


def test_a_node_map_that_maps_to_no_names_is_refused(weft: Weft) -> None:
    answer = weft("runs", "migrate", "--from", "a@1", "--to", "a@2", "--map", weft.write("nodes.yaml", "ask: 7\n"))

    assert (answer.code, answer.out) == (2, "")
    assert "must map names to names" in answer.err
