"""Faults under which a promise stands by its guard alone. Each takes what to arm the processes with."""

import signal
from collections.abc import Callable

from tests.integration.faults.cluster import LEASE_SECONDS
from tests.integration.faults.stage import Stage
from tests.servers.until import until

RUNS = 10


def workers_die(stage: Stage, arms: str) -> None:
    """All at once, while calls are under way."""
    stage.start(workers=2, FAULT_ARMS=arms)
    stage.order(RUNS)
    until(lambda: len(stage.cluster.ledger.calls()) > 3 * RUNS, "calls", 60)
    stop_all(stage)
    for _ in range(2):
        stage.cluster.worker(FAULT_ARMS=arms)


def stop_all(stage: Stage) -> None:
    for worker in list(stage.cluster.workers):
        stage.cluster.kill(worker)


def puts_are_cut_short(stage: Stage, arms: str) -> None:
    """Workers die with calls under way that may be made again."""
    calls_are_cut_short(stage, arms, "put")


def payments_are_cut_short(stage: Stage, arms: str) -> None:
    """Workers die with payments in flight."""
    calls_are_cut_short(stage, arms, "pay")


def answers_are_cut_short(stage: Stage, arms: str) -> None:
    """Workers die while a model answers."""
    calls_are_cut_short(stage, arms, "model")


def calls_are_cut_short(stage: Stage, arms: str, what: str) -> None:
    stage.start(workers=1, FAULT_ARMS=arms)
    stage.order(RUNS)
    until(lambda: any(call.what == what for call in stage.cluster.ledger.calls()), f"a call of {what}", 60)
    stop_all(stage)
    stage.cluster.worker(FAULT_ARMS=arms)


def a_worker_is_frozen(stage: Stage, arms: str) -> None:
    """It goes on right after somebody took its runs, and before they have got anywhere."""
    stage.start(workers=1, FAULT_ARMS=arms)
    stage.order(RUNS)
    until(lambda: len(stage.cluster.ledger.calls()) > RUNS, "calls", 60)
    (frozen,) = stage.cluster.workers
    frozen.ask_to_stop(signal.SIGSTOP)
    stage.cluster.worker(FAULT_ARMS=arms)
    until(lambda: stage.cluster.database.number("SELECT count(*) FROM heads WHERE epoch > 1"), "a takeover", 4 * LEASE_SECONDS)
    frozen.ask_to_stop(signal.SIGCONT)


def answers_to_starts_are_lost(stage: Stage, arms: str) -> None:
    """The API dies when its first starts are committed, or acknowledged, and comes back."""
    stage.start(workers=1)
    (port,) = stage.cluster.apis
    stage.cluster.restart_api(port, signal.SIGKILL, FAULT_ARMS=arms)
    stage.order(RUNS)
    until(lambda: stage.acknowledged() or not stage.cluster.apis[port].is_alive, "a start", 60)
    stage.cluster.restart_api(port, signal.SIGKILL)


def a_reader_comes_back(stage: Stage, arms: str) -> None:
    stage.start(workers=1, FAULT_ARMS=arms)
    stage.order(RUNS, readers=1.0)


def commits_are_cut(stage: Stage, arms: str) -> None:
    stage.cluster.through = True
    stage.start(workers=1, FAULT_ARMS=arms)
    stage.cluster.wire.cut_share = 0.2
    stage.order(RUNS)
    until(lambda: stage.cluster.wire.cuts >= RUNS // 2, "cuts", 60)
    stage.cluster.wire.cut_share = 0.0


def receivers_are_out_of_order(stage: Stage, arms: str) -> None:
    stage.start(workers=1, FAULT_ARMS=arms, WEFT_WEBHOOKS_PRIVATE="true")
    stage.listen()
    stage.order(RUNS)


CASES: dict[str, tuple[Callable[[Stage, str], None], str]] = {
    "epoch": (a_worker_is_frozen, ""),
    "mark": (answers_to_starts_are_lost, "start.committed:1"),
    "commit": (answers_to_starts_are_lost, ""),
    "key": (puts_are_cut_short, ""),
    "durable": (workers_die, ""),
    "resume": (a_reader_comes_back, ""),
    "intent": (payments_are_cut_short, ""),
    "line": (workers_die, ""),
    "reserve": (answers_are_cut_short, ""),
    "unheard": (commits_are_cut, ""),
    "takeover": (workers_die, ""),
    "receipt": (receivers_are_out_of_order, "webhooks.soon"),
}
"""By the name of the guard; what else is armed."""


def arms_of(name: str, *, with_guard: bool) -> str:
    """What stands in `FAULT_ARMS`."""
    more = CASES[name][1]
    return more if with_guard else ",".join(filter(None, (f"without.{name}", more)))
