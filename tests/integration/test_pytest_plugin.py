"""The pytest plugin, as somebody else's test run has it: in a process of its own, with no key and nobody to ask."""

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.places import ROOT, SRC

pytestmark = pytest.mark.processes

SMALL = """\
weft: 1
name: small
version: 1.0.0
state: {said: {}}
nodes:
  say: {kind: llm, model: fast, prompt: "Say {{ input.word }}", writes: {said: "${output.text}"}}
edges:
  - {from: start, to: say}
  - {from: say, to: end}
"""
TESTS = """
from decimal import Decimal

import pytest


def test_small(replay):
    result = replay("tapes/small.yaml", "small.yaml", input={"word": "hello"})
    assert result.same, result.diff
    assert result.same_path and result.path == ("say#1",)
    assert result.cost <= Decimal("0.01") and result.tokens > 0


def test_dearer(replay):
    result = replay("tapes/small.yaml", models={"fast": "openai/gpt-4o"})
    assert not result.same_cost
    assert "cost " in result.diff


async def _in_a_loop(replay):
    return replay("tapes/small.yaml")


def test_inside_a_loop(replay):
    import asyncio

    assert asyncio.run(_in_a_loop(replay)).asked_the_same


def test_the_logs_of_others_are_theirs(replay, caplog):
    import logging

    replay("tapes/small.yaml")
    logging.getLogger("theirs").warning("heard")
    assert "heard" in caplog.text
"""


@dataclass
class Theirs:
    folder: Path

    def pytest(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(SRC), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "weft_pytest", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(command, cwd=self.folder, env={**environment, **more}, capture_output=True, text=True, check=False)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)


@pytest.fixture
def theirs(tmp_path: Path) -> Theirs:
    found = Theirs(tmp_path)
    found.write("small.yaml", SMALL)
    found.write("test_it.py", TESTS)
    return found


def test_a_cassette_is_recorded_once_and_then_played_without_anybody(theirs: Theirs) -> None:
    missing = theirs.pytest("-k", "dearer")
    assert missing.returncode == 1
    assert "small.yaml is not there yet: `pytest --weft-record` records it" in missing.stdout
    assert "another exception" not in missing.stdout
    assert "Traceback" not in missing.stdout + missing.stderr

    recorded = theirs.pytest("--weft-record", "-k", "small")
    assert recorded.returncode == 0, recorded.stdout

    played = theirs.pytest()
    assert played.returncode == 0, played.stdout + played.stderr
    assert "4 passed" in played.stdout

    theirs.write("small.yaml", SMALL.replace("${output.text}", "${output.text + '!'}"))
    failed = theirs.pytest("-k", "small")
    assert failed.returncode == 1
    assert "output  1 changed" in failed.stdout


def test_a_test_run_that_does_not_use_it_loads_nothing_of_it(theirs: Theirs) -> None:
    theirs.write(
        "test_it.py",
        "import sys\n\n\ndef test_theirs():\n    assert not {'domain', 'bootstrap', 'pydantic', 'interface'} & set(sys.modules)\n",
    )

    assert theirs.pytest().returncode == 0


def test_an_installation_brings_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert project["project"]["entry-points"]["pytest11"] == {"weft": "weft_pytest"}
    assert "weft_pytest" in project["tool"]["setuptools"]["py-modules"]
