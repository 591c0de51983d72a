"""Recorded workflows become graphs with every task, every edge and every second, or say what is wrong with them."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from application.documents import parse_graph
from application.wfformat import Order, graph_of
from domain.errors import ValidationError

DATA = Path(__file__).parents[2] / "data" / "wfformat"
Recorded = dict[str, Any]


def recorded(tasks: dict[str, tuple[float, list[str]]], name: str = "lab") -> Recorded:
    """Id -> seconds and parents."""
    return {
        "name": name,
        "schemaVersion": "1.5",
        "workflow": {
            "specification": {"tasks": [{"id": task, "name": task, "parents": parents} for task, (_, parents) in tasks.items()]},
            "execution": {"tasks": [{"id": task, "runtimeInSeconds": seconds} for task, (seconds, _) in tasks.items()]},
        },
    }


def imported(document: Recorded, scale: float = 1.0, concurrency: int = 4, order: Order = Order.DOCUMENT) -> dict[str, Any]:
    graph = dict(graph_of(document, scale=scale, concurrency=concurrency, order=order))
    parse_graph(graph)
    return graph


def arrows(graph: dict[str, Any]) -> set[tuple[str, str]]:
    return {(edge["from"], edge["to"]) for edge in graph["edges"]}


def seconds(graph: dict[str, Any]) -> dict[str, float]:
    return {name: node["arguments"]["seconds"] for name, node in graph["nodes"].items()}


def test_what_is_said_by_parents_or_by_children_is_an_edge_and_only_once() -> None:
    graph = imported(json.loads((DATA / "diamond.json").read_text()))

    between = [("split", "left"), ("split", "right"), ("left", "merge"), ("right", "merge")]
    assert arrows(graph) == {("start", "split"), *between, ("merge", "end")}
    assert len(graph["edges"]) == 6


def test_a_task_sleeps_its_recorded_time_scaled_and_holds_its_slot_meanwhile() -> None:
    graph = imported(recorded({"a": (12.5, []), "b": (0, ["a"])}), scale=0.01, concurrency=3)

    assert graph["nodes"]["a"] == {"kind": "tool", "tool": "sleep", "arguments": {"seconds": 0.125}}
    assert seconds(graph) == {"a": 0.125, "b": 0.0}
    assert graph["limits"]["concurrency"] == 3


def test_limits_leave_room_for_every_task_one_after_the_other() -> None:
    graph = imported(recorded({f"t{number}": (3_000, []) for number in range(12_000)}))

    assert graph["limits"]["steps"] > 12_000
    assert graph["limits"]["seconds"] > 12_000 * 3_000


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["NF:A:B (1)"], ["NF_A_B_1_"], id="other characters become underscores"),
        pytest.param(["a:b", "a/b", "a_b"], ["a_b", "a_b_2", "a_b_3"], id="those that become alike get numbers"),
        pytest.param(["start", "end"], ["start_2", "end_2"], id="start and end mean something else"),
        pytest.param(["--", ".x", "(é)"], ["task", "x", "_"], id="something is left of every id"),
        pytest.param(["x" * 300], ["x" * 120], id="long ones are cut"),
    ],
)
def test_ids_are_made_safe(names: list[str], expected: list[str]) -> None:
    graph = imported(recorded({name: (1, []) for name in names}))

    assert list(graph["nodes"]) == expected
    assert all(names[place] in graph["nodes"][node].get("description", node) for place, node in enumerate(expected))


def test_the_longest_way_to_the_end_goes_first_when_that_is_asked_for() -> None:
    document = recorded({"short": (1, []), "long": (2, []), "tail": (50, ["long"]), "middle": (10, [])})

    assert list(imported(document)["nodes"]) == ["short", "long", "tail", "middle"]
    assert list(imported(document, order=Order.LONGEST_PATH)["nodes"]) == ["long", "tail", "middle", "short"]
    assert arrows(imported(document)) == arrows(imported(document, order=Order.LONGEST_PATH))


def broken(**changes: Any) -> Recorded:
    """A sound file in which the member at each path (`_` for `/`) is replaced, or taken away by None."""
    document = deepcopy(recorded({"a": (1, []), "b": (2, ["a"])}))
    for path, value in changes.items():
        *way, last = [int(step) if step.isdigit() else step for step in path.split("_")]
        at: Any = document
        for step in way:
            at = at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return document


SPECIFIED = "/workflow/specification/tasks"
EXECUTED = "/workflow/execution/tasks"


@pytest.mark.parametrize(
    ("document", "pointer", "code", "said"),
    [
        pytest.param(broken(workflow=None), "", "missing_field", "workflow", id="no workflow"),
        pytest.param(broken(workflow_execution=None), "/workflow/execution", "missing_field", "tasks", id="never executed"),
        pytest.param(broken(workflow_specification_tasks=[]), SPECIFIED, "no_tasks", "no tasks", id="no tasks"),
        pytest.param(broken(schemaVersion="1.3"), "/schemaVersion", "unknown_format", "1.5", id="an older format"),
        pytest.param(broken(workflow_specification_tasks_1_id="a"), f"{SPECIFIED}/1/id", "duplicate_id", "`a`", id="one id twice"),
        pytest.param(
            broken(workflow_specification_tasks_1_parents=["x"]), f"{SPECIFIED}/1/parents/0", "unknown_task", "`x`", id="an unknown parent"
        ),
        pytest.param(
            broken(workflow_specification_tasks_0_children=["b", "y"]),
            f"{SPECIFIED}/0/children/1",
            "unknown_task",
            "`y`",
            id="an unknown child",
        ),
        pytest.param(broken(workflow_execution_tasks_1=None), f"{SPECIFIED}/1", "no_runtime", "`b`", id="a task without a runtime"),
        pytest.param(broken(workflow_execution_tasks_1_id="z"), f"{EXECUTED}/1/id", "unknown_task", "`z`", id="a runtime without a task"),
        pytest.param(
            broken(workflow_execution_tasks_1_runtimeInSeconds=-3),
            f"{EXECUTED}/1/runtimeInSeconds",
            "wrong_type",
            "-3",
            id="a negative runtime",
        ),
        pytest.param(
            broken(workflow_execution_tasks_1_runtimeInSeconds=1e308),
            f"{EXECUTED}/1/runtimeInSeconds",
            "too_long",
            "smaller scale",
            id="longer than a task may take",
        ),
    ],
)
def test_a_bad_file_says_what_is_wrong_and_where(document: Recorded, pointer: str, code: str, said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        graph_of(document, scale=1.0, concurrency=4)

    found = {(problem.pointer, problem.code): problem.message for problem in raised.value.problems}
    assert said in found[pointer, code]


def test_all_that_is_wrong_is_said_at_once() -> None:
    document = broken(workflow_specification_tasks_1_parents=["x", "y"], workflow_execution_tasks_0_runtimeInSeconds="long")

    with pytest.raises(ValidationError) as raised:
        graph_of(document, scale=1.0, concurrency=4)

    assert len(raised.value.problems) == 3


def test_a_circle_is_told_with_its_names() -> None:
    document = recorded({"a": (1, ["c"]), "b": (1, ["a"]), "c": (1, ["b"]), "d": (1, ["a"])})

    with pytest.raises(ValidationError, match="without end") as raised:
        graph_of(document, scale=1.0, concurrency=4)

    assert [problem.code for problem in raised.value.problems] == ["cycle"]
    assert all(f"`{name}`" in raised.value.message for name in "abc")
    assert "`d`" not in raised.value.message


@pytest.mark.parametrize(("scale", "concurrency"), [(-1.0, 4), (float("nan"), 4), (float("inf"), 4), (1.0, 0)])
def test_senseless_options_are_refused(scale: float, concurrency: int) -> None:
    with pytest.raises(ValidationError, match="must be"):
        graph_of(recorded({"a": (1, [])}), scale=scale, concurrency=concurrency)
