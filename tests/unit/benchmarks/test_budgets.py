"""What is said of budgets: more than without one, in the same round; and where a relayed token's time is counted."""

from types import FrameType, SimpleNamespace
from typing import cast

import pytest

from benchmarks.budgets import Took, figures, text_of
from benchmarks.sampled import LOOP, OTHER, SOURCE, part_of


def test_a_budget_is_compared_with_the_round_beside_it_so_that_a_slow_round_slows_both() -> None:
    found = figures({"none": [Took(100, 50), Took(1000, 60), Took(100, 50)], "one": [Took(110, 55), Took(1100, 66), Took(150, 50)]})

    assert found["one"] == {"wall_us": 150, "cpu_us": 55, "more_percent": 10.0, "more_cpu_percent": 10.0}
    assert found["none"]["more_percent"] == 0


def test_the_table_says_what_is_demanded_of_one_budget() -> None:
    machine = {"date": "2026-01-01", "cores": 2, "processor": "P", "sqlite": "3", "postgres": "15"}
    found = figures({"none": [Took(100, 50)], "one": [Took(107, 51)]})

    text = text_of({"machine": machine, "rounds": 1, "sqlite": found, "postgres": found})

    assert "| postgres | one | 107 | +7.0 % | 51 | +2.0 % | ≤ 15 % |" in text.splitlines()


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        pytest.param([], LOOP, id="none of ours is the loop's"),
        pytest.param(["/lib/socket.py:send", "interface/rest/stream.py:_send"], "sent: starlette, uvicorn and the socket", id="a library"),
        pytest.param(["interface/rest/stream.py:encoded", "weft.py:main"], "the event as JSON", id="the innermost one counts"),
        pytest.param(["application/engine.py:run", "weft.py:main"], OTHER, id="what no part names"),
    ],
)
def test_a_sample_counts_for_the_innermost_part_of_ours(frames: list[str], part: str) -> None:
    frame = None
    for told in reversed(frames):
        file, _, name = told.rpartition(":")
        code = SimpleNamespace(co_filename=file if file.startswith("/") else f"{SOURCE}{file}", co_name=name)
        frame = SimpleNamespace(f_code=code, f_back=frame)

    assert part_of(cast(FrameType | None, frame)) == part
