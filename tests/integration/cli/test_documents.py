"""Checking, drawing and importing documents."""

import json

import pytest

from tests.integration.cli.command import COUNTING, EXAMPLES, WRONG, Weft

pytestmark = pytest.mark.processes


def test_a_valid_file_is_said_to_be_valid(weft: Weft) -> None:
    answer = weft("validate", weft.write("counting.yaml", COUNTING))

    assert answer.code == 0
    assert answer.out.endswith("counting.yaml: valid\n")


def test_every_problem_is_told_with_its_line_and_column(weft: Weft) -> None:
    file = weft.write("wrong.yaml", WRONG)

    answer = weft("validate", file)

    assert answer.code == 2
    lines = answer.out.splitlines()
    assert any(line.startswith(f"{file}:6:5: /nodes/once/kind: ") and "transfom" in line for line in lines)
    assert any(line.startswith(f"{file}:9:") and "nowhere" in line for line in lines)


def test_every_file_is_looked_at_even_when_one_cannot_be_read(weft: Weft) -> None:
    broken = weft.write("broken.json", '{"weft": 1,\n "name": }')

    answer = weft("validate", broken, "missing.yaml", weft.write("counting.yaml", COUNTING))

    assert answer.code == 2
    assert f"{broken}:2:10: " in answer.out
    assert "missing.yaml cannot be read" in answer.out
    assert "counting.yaml: valid" in answer.out


def test_a_workflow_that_names_another_is_valid_beside_it(weft: Weft) -> None:
    calling = COUNTING.replace("name: counting", "name: calling").replace(
        'twice: {kind: transform, writes: {x: "${state.x + 1}"}}', "twice: {kind: workflow, workflow: counting}"
    )
    caller, called = weft.write("calling.yaml", calling), weft.write("counting.yaml", COUNTING)

    assert weft("validate", caller).code == 2
    assert weft("validate", caller, called).code == 0


def test_validating_leaves_nothing_behind(weft: Weft) -> None:
    weft("validate", weft.write("counting.yaml", COUNTING))

    assert not (weft.commands.folder / ".weft").exists()


@pytest.mark.parametrize(("language", "begins"), [("mermaid", "flowchart"), ("dot", "digraph"), ("svg", "<svg")])
def test_a_graph_is_drawn(weft: Weft, language: str, begins: str) -> None:
    answer = weft("graph", EXAMPLES / "support_triage.yaml", "--format", language)

    assert answer.code == 0
    assert answer.out.startswith(begins)
    assert "classify" in answer.out


def test_a_picture_goes_to_a_file(weft: Weft) -> None:
    picture = weft.commands.folder / "triage.svg"

    assert weft("graph", EXAMPLES / "support_triage.yaml", "--format", "svg", "--out", picture).out == ""

    assert picture.read_text().startswith("<svg")


def test_what_cannot_be_drawn_says_where_it_is_wrong(weft: Weft) -> None:
    file = weft.write("wrong.yaml", COUNTING.replace("nodes:", "noodles:"))

    answer = weft("graph", file)

    assert answer.code == 2
    assert f"{file}:6:1: /noodles: " in answer.err


RECORDED = {
    "name": "two tasks",
    "schemaVersion": "1.5",
    "workflow": {
        "specification": {
            "tasks": [
                {"id": "first", "name": "first", "parents": [], "children": ["second"]},
                {"id": "second", "name": "second", "parents": ["first"], "children": []},
            ]
        },
        "execution": {
            "makespanInSeconds": 3,
            "executedAt": "2026-01-01T00:00:00Z",
            "tasks": [{"id": "first", "runtimeInSeconds": 1.0}, {"id": "second", "runtimeInSeconds": 2.0}],
        },
    },
}


@pytest.mark.parametrize("name", ["imported.yaml", "imported.json"])
def test_an_imported_workflow_runs(weft: Weft, name: str) -> None:
    recorded = weft.write("recorded.json", json.dumps(RECORDED))
    imported = weft.commands.folder / name

    assert weft("import", "--format", "wfformat", recorded, "--scale", "0.001", "--out", imported).code == 0

    run = weft("run", imported, "--json").json
    assert run["status"] == "completed"
    assert [activation["node"] for activation in run["activations"]] == ["first", "second"]


def test_a_recording_that_is_none_says_what_is_missing(weft: Weft) -> None:
    answer = weft("import", "--format", "wfformat", weft.write("none.json", "{}"))

    assert answer.code == 2
    assert "workflow" in answer.err
