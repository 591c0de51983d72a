"""Each fault in short: the full campaign is `make chaos`."""

from pathlib import Path

import pytest

from tests.integration.faults.all_scenarios import SCENARIOS
from tests.integration.faults.stage import staged

pytestmark = [pytest.mark.processes, pytest.mark.postgres, pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.mark.parametrize("name", [name for name, scenario in SCENARIOS.items() if not scenario.disk_megabytes])
def test_every_promise_outlives(name: str, tmp_path: Path) -> None:
    wanted = SCENARIOS[name]
    with staged(tmp_path, 7, is_full=False, redis=wanted.redis) as stage:
        wanted.play(stage)
        print(name, stage.figures)
