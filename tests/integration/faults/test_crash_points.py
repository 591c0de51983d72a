"""A process that dies at a named point, in the middle of every kind of step, changes nothing about the result."""

import random
from pathlib import Path

import pytest

from tests.integration.faults.arming import POINTS
from tests.integration.faults.grid import KINDS, Grid, open_grid

pytestmark = [pytest.mark.processes, pytest.mark.postgres, pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.mark.parametrize("share", range(4))
def test_a_death_at_a_named_point_changes_no_result(share: int, tmp_path: Path) -> None:
    """In short: each point once, for a kind that chance picks; `make chaos` plays every point for every kind."""
    chance = random.Random(share)
    with open_grid(tmp_path) as grid:
        for point in sorted(POINTS)[share::4]:
            play(grid, point, chance)
        grid.check()
        print(grid.played, "not reached:", set(grid.played) - set(grid.struck))
        assert len(grid.struck) > len(grid.played) / 2, f"too few points were reached: {grid.struck}"


def play(grid: Grid, point: str, chance: random.Random) -> None:
    kinds = [kind for kind in KINDS if grid.reaches(point, kind)]
    grid.play(point, chance.choice(kinds), grid.passes(point, chance))
