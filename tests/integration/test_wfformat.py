"""Recorded workflows on the real engine and a real database: every task once and in order, and hardly later than a perfect machine."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from application.wfformat import Order, graph_of
from benchmarks.list_schedule import makespan
from benchmarks.wfformat import MOST, Played, Visit, measure, parents_of, run_document, seconds_of, what_is_wrong

DATA = Path(__file__).parents[1] / "data" / "wfformat"
FILES = sorted(DATA.glob("*.json"))


@pytest.mark.parametrize(
    ("seconds", "parents", "slots", "expected"),
    [
        pytest.param({"a": 1, "b": 2, "c": 3}, {}, 1, 6, id="on one machine it is the sum"),
        pytest.param({"a": 1, "b": 2, "c": 3}, {}, 3, 3, id="on enough machines it is the longest"),
        pytest.param({"a": 1, "b": 2, "c": 3}, {"c": "b", "b": "a"}, 3, 6, id="a chain has no use for machines"),
        pytest.param({"a": 3, "b": 3, "c": 4}, {}, 2, 7, id="first come first served, even when another order were better"),
        pytest.param({"c": 4, "a": 3, "b": 3}, {}, 2, 6, id="ties go by the order of the document"),
        pytest.param({"late": 1, "a": 2, "b": 1, "soon": 9}, {"late": "a", "soon": "b"}, 1, 13, id="what is ready earlier goes first"),
        pytest.param({"a": 0, "b": 0, "c": 2}, {"b": "a", "c": "b"}, 1, 2, id="tasks may take no time"),
    ],
)
def test_the_list_schedule(seconds: dict[str, float], parents: dict[str, str], slots: int, expected: float) -> None:
    after = {task: frozenset(parents.get(task, "").split()) for task in seconds}

    assert makespan(seconds, after, slots) == expected


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_workflow_runs_once_in_order_and_in_time(file: Path, order: Order) -> None:
    found = measure(file, 0.1, 3, order)

    assert found.wrong == []
    assert found.played.status == "completed"
    assert found.least > 1
    assert found.ratio <= MOST


async def test_tasks_hold_their_slots(tmp_path: Path) -> None:
    recorded = json.loads((DATA / "diamond.json").read_text())
    document = graph_of(recorded, scale=0.02, concurrency=1)
    seconds = seconds_of(document)

    played = await run_document(document, tmp_path, 60)

    assert makespan(seconds, parents_of(document), 2) < sum(seconds.values())
    assert played.seconds >= sum(seconds.values())


SOUND = [Visit("split", 2, 1), Visit("right", 3, 2), Visit("left", 4, 2), Visit("merge", 5, 4)]


def swapped(changes: Mapping[str, Visit | None]) -> list[Visit]:
    return [visit for old in SOUND if (visit := changes.get(old.node, old)) is not None]


@pytest.mark.parametrize(
    ("visits", "said"),
    [
        pytest.param(SOUND, [], id="nothing is wrong"),
        pytest.param(swapped({"left": None}), ["left ran 0 times"], id="a task that did not run"),
        pytest.param([*SOUND, Visit("merge", 6, 5)], ["merge ran 2 times"], id="a task that ran twice"),
        pytest.param(
            swapped({"merge": Visit("merge", 5, 3)}), ["merge began before left had finished"], id="a join that did not wait for all"
        ),
    ],
)
def test_the_check_notices(visits: list[Visit], said: list[str]) -> None:
    document = graph_of(json.loads((DATA / "diamond.json").read_text()), scale=1, concurrency=2)
    played = Played("completed", 1.0, visits)

    assert list(what_is_wrong(document, played)) == said
    assert list(what_is_wrong(document, replace(played, status="failed"))) == ["the run failed", *said]
