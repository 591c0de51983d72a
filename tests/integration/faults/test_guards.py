"""Without its guard a promise is broken, and the checker says so: a checker that is content with everything proves nothing."""

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.faults.checker import PROMISES, breaches
from tests.integration.faults.cluster import LEASE_SECONDS
from tests.integration.faults.evidence import gather
from tests.integration.faults.guards import GUARDS
from tests.integration.faults.load import standard
from tests.integration.faults.stage import Stage, staged
from tests.servers.until import until

pytestmark = [pytest.mark.processes, pytest.mark.postgres, pytest.mark.faults, pytest.mark.timeout(180)]
RUNS = 10


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, 3, is_full=False, hold_seconds=0.3) as found:
        yield found


def workers_die(stage: Stage, guard: str) -> None:
    """All at once, while calls are under way."""
    stage.start(workers=2, FAULT_ARMS=guard)
    stage.order(RUNS, standard(), readers=0.0)
    until(lambda: len(stage.cluster.ledger.calls()) > 3 * RUNS, "calls", 60)
    stop_all(stage)
    for _ in range(2):
        stage.cluster.worker(FAULT_ARMS=guard)


def stop_all(stage: Stage) -> None:
    for worker in list(stage.cluster.workers):
        stage.cluster.kill(worker)


def payments_are_cut_short(stage: Stage, guard: str) -> None:
    """Workers die with payments in flight."""
    stage.start(workers=1, FAULT_ARMS=guard)
    stage.order(RUNS)
    until(lambda: any(call.what == "pay" for call in stage.cluster.ledger.calls()), "a payment", 60)
    stop_all(stage)
    stage.cluster.worker(FAULT_ARMS=guard)


def a_worker_is_frozen(stage: Stage, guard: str) -> None:
    """It goes on right after somebody took its runs, and before they have got anywhere."""
    stage.start(workers=2, FAULT_ARMS=guard)
    stage.order(RUNS)
    until(lambda: len(stage.cluster.ledger.calls()) > RUNS, "calls", 60)
    frozen = stage.cluster.workers[0]
    frozen.ask_to_stop(signal.SIGSTOP)
    until(lambda: stage.cluster.database.number("SELECT count(*) FROM heads WHERE epoch > 1"), "a takeover", 4 * LEASE_SECONDS)
    frozen.ask_to_stop(signal.SIGCONT)


def answers_to_starts_are_lost(stage: Stage, guard: str) -> None:
    """The API dies when its first starts are committed, or acknowledged, and comes back."""
    stage.start(workers=1)
    (port,) = stage.cluster.apis
    stage.cluster.restart_api(port, signal.SIGKILL, FAULT_ARMS=guard)
    stage.order(RUNS)
    until(lambda: stage.acknowledged() or not stage.cluster.apis[port].is_alive, "a start", 60)
    stage.cluster.restart_api(port, signal.SIGKILL)


def a_reader_comes_back(stage: Stage, guard: str) -> None:
    stage.start(workers=1, FAULT_ARMS=guard)
    stage.order(RUNS, readers=1.0)


CASES: dict[str, tuple[Callable[[Stage, str], None], str]] = {
    "epoch": (a_worker_is_frozen, ""),
    "mark": (answers_to_starts_are_lost, ",start.committed:1"),
    "commit": (answers_to_starts_are_lost, ""),
    "key": (workers_die, ""),
    "durable": (workers_die, ""),
    "resume": (a_reader_comes_back, ""),
    "intent": (payments_are_cut_short, ""),
    "line": (workers_die, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_without_its_guard_a_promise_is_seen_to_break(stage: Stage, name: str) -> None:
    fault, more = CASES[name]
    fault(stage, f"without.{name}{more}")
    with suppress(AssertionError):  # without its guard, a run may also never come to its end
        stage.until_quiet(20)

    assert GUARDS[name].keeps in breaches(gather(stage.cluster))


def test_every_guard_is_taken_away_once() -> None:
    assert set(CASES) == set(GUARDS)
    assert {guard.keeps for guard in GUARDS.values()} <= set(PROMISES)
