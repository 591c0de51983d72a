"""What is said of measured lines: ratios within a round, verdicts, and the page."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.bounds import MOMENTS, WORKS, at_most, memory_under, share, times
from benchmarks.figures import Figures, Spread, figures_of
from benchmarks.page import PAGE, figures_text, put
from benchmarks.plan import PLAN

MACHINE = {
    "date": "2026-01-01",
    "cores": 2,
    "processor": "P",
    "memory_gib": 8,
    "kernel": "L",
    "python": "3",
    "sqlite": "3",
    "postgres": "15",
}


def line(number: int, who: str, value: float, case: str = "chain") -> dict[str, Any]:
    return {"round": number, "who": f"{who} 1.0", "case": case, "value": value, "peak_mib": 100.0 + number}


def measured(weft: list[float], langgraph: list[float]) -> Figures:
    ours = [line(number, "weft", value) for number, value in enumerate(weft, 1)]
    theirs = [line(number, "langgraph", value) for number, value in enumerate(langgraph, 1)]
    return figures_of([{"case": "machine"}, *ours, *theirs, {"round": 1, "case": "chain", "error": "cut off"}])


def test_a_ratio_is_taken_within_each_round_so_that_a_slow_round_slows_both_sides() -> None:
    figures = measured([10, 100, 10], [200, 2000, 300])

    assert figures.ratio(("langgraph", "chain"), ("weft", "chain")) == Spread(20, 20, 30)


def test_a_round_in_which_one_side_failed_has_no_ratio() -> None:
    figures = measured([10, 10], [200])

    assert figures.ratio(("langgraph", "chain"), ("weft", "chain")) == Spread(20, 20, 20)


def test_the_figure_is_the_median_and_memory_is_judged_by_its_peak() -> None:
    figures = measured([30, 10, 20], [])

    assert figures.spread("weft", "chain") == Spread(20, 10, 30)
    assert memory_under(103)(figures, "chain").met
    assert not memory_under(102.9)(figures, "chain").met


@pytest.mark.parametrize(
    ("bound", "met"),
    [
        pytest.param(at_most(20), True, id="a limit that is reached exactly is met"),
        pytest.param(at_most(19), False, id="above the limit is missed"),
        pytest.param(times("langgraph", "chain", 10), True, id="the peer needs ten times as long"),
        pytest.param(times("langgraph", "chain", 11), False, id="the peer does not need eleven times as long"),
        pytest.param(share("langgraph", "chain", 0.1), True, id="a tenth of the peer"),
        pytest.param(share("langgraph", "chain", 0.09), False, id="not less than a tenth of the peer"),
        pytest.param(times("dbos", "chain", 1), False, id="a peer that was not measured proves nothing"),
    ],
)
def test_bounds(bound: Any, met: bool) -> None:
    assert bound(measured([20], [200]), "chain").met is met


def test_every_figure_that_is_shown_is_measured_by_the_plan() -> None:
    measured_cases = {step.case for step in PLAN}

    for work in (*WORKS, *MOMENTS):
        assert {work.case, *(case for _, case in work.peers)} <= measured_cases, work.title


def test_the_table_says_what_was_missed_and_what_was_not_measured() -> None:
    text = figures_text(measured([40], [200]), MACHINE, 1)

    assert "**40** (40 to 40)" in text
    assert "LangGraph **200** (200 to 200) (5 times)" in text
    assert "**40, missed**" in text
    assert "**not measured**" in text


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter\n")

    put(page, "a", "new")

    assert page.read_text() == "before\n<!-- a:begin -->\nnew\n<!-- a:end -->\nafter\n"
    with pytest.raises(ValueError, match="no place for b"):
        put(page, "b", "new")


@pytest.mark.parametrize("part", ["figures", "profile"])
def test_the_page_has_a_place_for_each_part(part: str) -> None:
    text = PAGE.read_text()

    assert text.index(f"<!-- {part}:begin -->") < text.index(f"<!-- {part}:end -->")
