"""A conversation of many turns does not make the process grow, nor a run fold more than the rows since the last checkpoint. How long
turns take is judged by the long form, `make soak`: 300 turns are little more than one checkpoint, and other tests run beside them."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from application.checkpoints import CHECKPOINT_ROWS
from benchmarks.soak import ROWS_OF_A_TURN, WINDOW, Soaked
from tests.architecture.places import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.slow]

TURNS = 300


def test_a_thread_of_many_turns_grows_neither_the_process_nor_what_a_run_folds() -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--turns", str(TURNS)]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}, capture_output=True, text=True, timeout=100, check=False
    )
    found = json.loads(done.stdout)

    assert (done.returncode, found["missed"]) == (0, []), done.stderr
    assert found["turns"] == TURNS


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"end_bytes": 106}, ["growth"], id="memory"),
        pytest.param({"end_ms": 13.1}, ["slower"], id="time"),
        pytest.param({"end_ms": 13.1, "warm_up": WINDOW - 1}, [], id="time that is not comparable"),
        pytest.param({"tail": CHECKPOINT_ROWS + ROWS_OF_A_TURN + 1}, ["tail"], id="what a run folds"),
    ],
)
def test_what_grows_is_named(changes: dict[str, Any], names: list[str]) -> None:
    missed = replace(Soaked(10_000, 1_000, 100, 104, 10.0, 12.9, 1_000), **changes).missed()

    assert [sentence.partition(" ")[0] for sentence in missed] == names
