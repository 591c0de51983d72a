"""A test that did not run is never silent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.places import ROOT

SKIPPING = """
import pytest

def test_that_runs(): assert True

@pytest.mark.skip(reason="no tmux: apt-get install tmux")
def test_that_is_skipped(): assert False

def test_that_skips_itself(): pytest.skip("no chromium: apt-get install chromium")

@pytest.mark.xfail(reason="known", strict=True)
def test_that_is_expected_to_fail(): assert False
"""

EXPECTING = """
import pytest

@pytest.mark.xfail(reason="known", strict=True)
def test_that_is_expected_to_fail(): assert False
"""


def run(folder: Path, ci: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CI": ci, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "tests.plugins.no_skips", "-p", "no:cacheprovider", *options, "."]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["in one process", "in several"])
def test_at_home_a_skipped_test_is_said_with_its_reason(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "test_some.py").write_text(SKIPPING)

    done = run(tmp_path, "", *options)

    assert done.returncode == 0
    assert "test_that_is_skipped: Skipped: no tmux: apt-get install tmux" in done.stdout
    assert "test_that_skips_itself: Skipped: no chromium: apt-get install chromium" in done.stdout


@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["in one process", "in several"])
def test_in_continuous_integration_a_skipped_test_fails(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "test_some.py").write_text(SKIPPING)

    done = run(tmp_path, "true", *options)

    assert done.returncode == 1
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in done.stdout  # a mark counts as an error of the set-up


def test_in_continuous_integration_a_skipped_module_fails(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")

    assert run(tmp_path, "true").returncode not in {0, 5}


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(EXPECTING)

    assert run(tmp_path, "true").returncode == 0
