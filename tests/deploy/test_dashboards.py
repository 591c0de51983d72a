"""Dashboards are written by code, and ask for what there is."""

import re
from pathlib import Path

import pytest

from infrastructure.telemetry.metrics import PrometheusMeter
from tests.architecture.places import ROOT
from tests.deploy import panels
from tests.deploy.panels import BOARDS, SUBSTITUTES, asked, board, panel_queries, rules
from tools.dashboards import TARGET, files

RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def test_the_files_are_what_the_code_makes() -> None:
    assert {path.name: path.read_text() for path in TARGET.glob("*.json")} == files(), "run `make dashboards`"


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_board_has_no_two_panels_in_one_place_and_none_outside(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board(path)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_board_uses_only_variables_that_it_has(path: Path) -> None:
    used = set(re.findall(r"\$(?!__)(\w+)", path.read_text().replace("$__all", "")))

    assert used == {one["name"] for one in board(path)["templating"]["list"]}
    assert {f"${name}" for name in used} <= set(SUBSTITUTES)


def test_panels_and_rules_ask_for_metrics_that_are_counted_or_recorded() -> None:
    expressions = [*(query for _, query in panel_queries()), *(str(rule["expr"]) for rule in rules())]
    names = {name for expression in expressions for name in asked(expression)}

    assert names - RECORDED - metric_names() == set()


def test_what_is_recorded_is_asked_for() -> None:
    expressions = [*(query for _, query in panel_queries()), *(str(rule["expr"]) for rule in rules() if "alert" in rule)]

    assert {name for expression in expressions for name in asked(expression)} >= RECORDED


def test_every_metric_is_explained() -> None:
    page = (ROOT / "docs/observability.md").read_text()

    assert [name for name in sorted(metric_names()) if f"`{name}" not in page] == []


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / "docs/observability.md").read_text()

    assert [rule["alert"] for rule in rules() if "alert" in rule and rule["alert"] not in page] == []


def metric_names() -> set[str]:
    lines = PrometheusMeter().render()[0].decode().splitlines()
    return {name for line in lines if line.startswith("# TYPE") and not (name := line.split()[2]).endswith("_created")}


def test_what_the_issue_wants_to_see_is_on_a_panel() -> None:
    text = " ".join(query for _, query in panels.panel_queries())

    for label in ("model", "workflow", "tenant", "budget", "provider", "gen_ai_request_model"):
        assert re.search(rf"by \([^)]*\b{label}\b", text), label
