"""The face for authors of extensions, and the light entry of the command."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import weft

ROOT = Path(__file__).parents[2]
HEAVY = {
    "asyncio",
    "fastapi",
    "jinja2",
    "jmespath",
    "litellm",
    "networkx",
    "orjson",
    "pydantic",
    "rich",
    "sqlalchemy",
    "structlog",
    "typer",
}
FLOORS = {"application", "bootstrap", "domain", "infrastructure", "interface", "wiring"}


def loaded_after(code: str) -> set[str]:
    """The top-level modules an interpreter of its own has after `code`."""
    script = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_importing_the_face_loads_nothing() -> None:
    assert loaded_after("import weft") & (HEAVY | FLOORS | {"dataclasses", "inspect", "re"}) == set()


def test_the_version_is_told_before_anything_is_loaded() -> None:
    assert loaded_after("sys.argv = ['weft', '--version']; import weft; weft.main()") & (HEAVY | FLOORS) == set()


def test_what_an_author_imports_loads_no_library() -> None:
    assert loaded_after(f"from weft import {', '.join(weft.__all__)}") & HEAVY == set()


def test_the_version_of_the_face_is_the_projects(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["weft", "--version"])

    weft.main()

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"weft {project['version']}\n"
    assert weft.__version__ == project["version"]


def test_every_name_of_the_face_is_there_and_listed() -> None:
    assert all(getattr(weft, name) is not None for name in weft.__all__)
    assert set(weft.__all__) <= set(dir(weft))


def test_a_name_the_face_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'toool'"):
        weft.toool  # noqa: B018
