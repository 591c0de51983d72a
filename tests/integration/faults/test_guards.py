"""Without its guard a promise is broken, and the checker says so: a checker that is content with everything proves nothing."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.faults.checker import PROMISES, breaches
from tests.integration.faults.evidence import gather
from tests.integration.faults.guards import GUARDS
from tests.integration.faults.removing import CASES, arms_of
from tests.integration.faults.stage import Stage, staged

pytestmark = [pytest.mark.processes, pytest.mark.postgres, pytest.mark.faults, pytest.mark.timeout(180)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, 3, is_full=False, hold_seconds=0.3) as found:
        yield found


@pytest.mark.parametrize("name", CASES)
def test_without_its_guard_a_promise_is_seen_to_break(stage: Stage, name: str) -> None:
    fault, _ = CASES[name]
    fault(stage, arms_of(name, with_guard=False))
    with suppress(AssertionError):  # without its guard, a run may also never come to its end
        stage.until_quiet(20)

    assert GUARDS[name].keeps in breaches(gather(stage.cluster))


def test_every_guard_is_taken_away_once() -> None:
    assert set(CASES) == set(GUARDS)
    assert {guard.keeps for guard in GUARDS.values()} <= set(PROMISES)
