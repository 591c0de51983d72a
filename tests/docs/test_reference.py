"""The reference says what the code says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.places import ROOT, SRC
from tools import graph_schema, reference
from tools.reference_pages.errors import ADVICE, FAILURES, MODELS
from tools.reference_pages.markdown import NoWords, table, type_of
from tools.reference_pages.words import words_for

PAGES = reference.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (reference.TARGET / name).read_text() == PAGES[name], "type `make docs`"


def test_the_schema_for_editors_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_schema, "TARGET", tmp_path / "graph.schema.json")

    graph_schema.main()

    assert (reference.TARGET / "graph.schema.json").read_text() == graph_schema.TARGET.read_text(), "type `make docs`"


def test_every_page_is_in_the_index() -> None:
    listed = {name for name in (*PAGES, "graph.schema.json") if f"]({name})" in PAGES["README.md"]}

    assert listed == {path.name for path in reference.TARGET.iterdir()} - {"README.md"}


def failure_codes() -> Iterator[str]:
    """Codes that the engine and the node kinds give to what fails."""
    place = {"Failure": 0, "NodeExecutionError": 1}
    for folder in ("domain", "application", "infrastructure/nodes"):
        for path in (SRC / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in place:
                    code = node.args[place[node.func.id]] if len(node.args) > place[node.func.id] else None
                    if isinstance(code, ast.Constant) and isinstance(code.value, str):
                        yield code.value


def test_every_code_that_a_run_can_fail_with_has_its_advice() -> None:
    known = {*ADVICE, *FAILURES, *MODELS}

    assert {"join_starved", "no_route"} <= set(failure_codes()) <= known


def test_a_key_without_words_stops_the_making() -> None:
    with pytest.raises(NoWords, match="limits: budget"):
        words_for("limits", ["steps", "budget"], {"steps": "activations"})


def test_words_without_a_key_stop_it_too() -> None:
    with pytest.raises(NoWords, match="limits: steps"):
        words_for("limits", [], {"steps": "activations"})


def test_a_pipe_in_a_cell_does_not_end_it() -> None:
    assert table(["a"], [["x|y"]]).splitlines()[2] == "| x\\|y |"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        pytest.param({"type": "integer", "minimum": 1}, "integer ≥ 1", id="bounds are told"),
        pytest.param({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string", id="null is what absent means"),
        pytest.param({"type": "array", "items": {"$ref": "#/$defs/edge"}}, "list of edge", id="parts are named"),
        pytest.param({"enum": ["a", "b"]}, '`"a"`, `"b"`', id="choices are listed"),
        pytest.param({}, "any", id="nothing said"),
    ],
)
def test_a_type_is_told_in_a_few_words(schema: dict[str, object], words: str) -> None:
    assert type_of(schema) == words


def test_make_help_lists_what_makes_the_pages() -> None:
    assert "docs: .venv/installed-dev ## " in (ROOT / "Makefile").read_text()
