"""Scenarios of processes that die, stall or are restarted."""

import signal
import time
from collections import Counter

from tests.integration.faults.checker import check_standard
from tests.integration.faults.cluster import LEASE_SECONDS
from tests.integration.faults.load import bombed
from tests.integration.faults.scenario import scenario
from tests.integration.faults.stage import Stage
from tests.servers.until import until


@scenario("a random worker is killed every 2 s", "nothing lost, nothing twice, all final within 120 s of the last kill")
def workers_are_killed(stage: Stage) -> None:
    count = stage.size(60, 500)
    stage.start(workers=stage.size(2, 4))
    stage.order(count, readers=0.2, spread_seconds=stage.size(12, 120))

    def kill_one() -> None:
        stage.cluster.kill(stage.chance.choice(stage.cluster.workers))
        stage.cluster.worker()
        stage.cluster.until_all_work()

    # Any worker, not the one that has just made a call, and none before it works: to lose every worker before it wrote a row is what a run
    # that is poison does.
    stage.while_working(stage.size(5, 60), kill_one, 1.7, 2.3)
    check_standard(stage.settle(), count)


@scenario("workers are killed while receivers of webhooks are out of order", "every start and end of a run is told, under one id")
def receivers_are_told(stage: Stage) -> None:
    count, variables = stage.size(25, 500), {"WEFT_WEBHOOKS_PRIVATE": "true", "FAULT_ARMS": "webhooks.soon"}
    stage.start(workers=stage.size(2, 4), apis=1, **variables)
    stage.listen()
    stage.order(count, spread_seconds=stage.size(5, 100))

    def kill_one() -> None:
        stage.cluster.kill(stage.busy_worker())
        stage.cluster.worker(**variables)

    stage.while_working(stage.size(3, 40), kill_one, 1.0, 2.0)
    seen = stage.settle()
    check_standard(seen, count)
    hooks = [call for call in seen.calls if call.what == "hook"]
    stage.figures["webhooks sent"] = len(hooks)
    stage.figures["refused by the receiver"] = sum(call.answer != "204" for call in hooks)
    assert stage.figures["refused by the receiver"] > 0, "the receiver was never out of order"


@scenario("all workers are killed at once, ten times", "nothing lost, nothing twice, all final within 120 s of the last kill")
def all_workers_are_killed(stage: Stage) -> None:
    count = stage.size(40, 500)
    stage.start(workers=stage.size(2, 4))
    stage.order(count, readers=0.2, spread_seconds=stage.size(10, 40))

    def kill_all() -> None:
        for worker in list(stage.cluster.workers):
            stage.cluster.kill(worker)
        for _ in range(stage.size(2, 4)):
            stage.cluster.worker()
        stage.cluster.until_all_work()
        stage.busy_worker()

    # Not sooner: a run that three workers in a row were lost with before it wrote a row is poison.
    stage.while_working(stage.size(4, 10), kill_all, 1.0, 2.0)
    check_standard(stage.settle(), count)


@scenario("the API is killed during 2,000 starts with idempotency keys", "exactly as many runs as keys, every acknowledged one exists")
def the_api_is_killed(stage: Stage) -> None:
    count = stage.size(200, 2_000)
    stage.start(workers=1, apis=1)
    (port,) = stage.cluster.apis
    client = stage.order(count, at_once=16, spread_seconds=stage.size(6, 30))
    for _ in range(stage.size(3, 10)):
        reached = min(count, stage.acknowledged() + stage.chance.randint(10, max(20, count // 20)))
        until(lambda reached=reached: stage.acknowledged() >= reached or not client.is_alive, "more starts", 60)  # type: ignore[misc]
        stage.cluster.restart_api(port, signal.SIGKILL)
        stage.count("faults")
    check_standard(stage.settle(stage.size(120, 600)), count)
    assert len({line["key"] for line in stage.said() if line["what"] == "ack"}) == count


@scenario("everything is restarted by SIGTERM, one after the other", "no failed request but 503 with Retry-After; no attempt is burnt")
def a_rolling_restart(stage: Stage) -> None:
    count = stage.size(80, 500)
    stage.start(workers=2, apis=2)
    stage.order(count, readers=0.2, spread_seconds=stage.size(10, 60))
    until(stage.cluster.ledger.calls, "the first call", 60)
    for _ in range(stage.size(1, 5)):
        for port in list(stage.cluster.apis):
            stage.cluster.restart_api(port, signal.SIGTERM)
            stage.count("faults")
        for worker in list(stage.cluster.workers):
            stage.cluster.worker()
            stage.cluster.until_all_work()
            worker.ask_to_stop()
            assert worker.ended(60) == 0, worker.told()
            stage.cluster.workers.remove(worker)
            stage.count("faults")
    seen = stage.settle()
    check_standard(seen, count)
    assert stage.cluster.killed == set(), "nobody was killed"
    assert "needed attention" not in stage.figures, "a restart in order leaves no outcome unknown"
    assert not seen.said("cut"), f"answers were broken off: {seen.said('cut')[:5]}"
    assert "lost calls, charged what was reserved" not in stage.figures, "a restart in order loses no call"
    tried = Counter((call.run, call.activation) for call in seen.calls if call.activation)
    assert set(tried.values()) == {1}, f"attempts were burnt: {[one for one, times in tried.items() if times > 1][:5]}"
    asked = Counter(call.run for call in seen.calls if call.what == "model")
    assert len(set(asked.values())) == 1, f"runs asked a model so often: {Counter(asked.values())}"


@scenario("a worker is stopped for three leases, and goes on", "its every write is refused, its late usage is counted once")
def a_worker_is_frozen(stage: Stage) -> None:
    count = stage.size(30, 500)
    stage.start(workers=stage.size(2, 4))
    stage.order(count, spread_seconds=stage.size(5, 60))
    until(stage.cluster.ledger.calls, "the first call", 60)
    for _ in range(stage.size(2, 5)):
        stage.pause(0.1, 0.6)
        frozen = stage.busy_worker()
        frozen.ask_to_stop(signal.SIGSTOP)
        time.sleep(3 * LEASE_SECONDS)
        frozen.ask_to_stop(signal.SIGCONT)
        stage.count("faults")
        stage.pause(0.5, 1.0)
    seen = stage.settle()
    check_standard(seen, count)
    stage.figures["takeovers"] = sum(epoch > 1 for _, epoch in seen.claims)
    assert stage.figures["takeovers"] > 0, "nothing was taken from the worker that was stopped"


@scenario("a run kills every worker that takes it", "it ends as poisoned after three deliveries, and hurts nobody")
def a_run_is_poison(stage: Stage) -> None:
    count, bombs = stage.size(10, 100), stage.size(1, 5)
    stage.start(workers=2)
    stage.order(bombs, bombed())
    stage.order(count)
    ended = time.monotonic() + 120
    while stage.cluster.open_runs() or stage.acknowledged() < count + bombs:
        assert time.monotonic() < ended, "a run goes on killing"
        stage.count("faults", stage.cluster.replace_dead())
        time.sleep(0.1)
    seen = stage.settle()
    poisoned = [run for run, outcome in seen.outcomes.items() if (outcome["failure"] or {}).get("code") == "poisoned"]
    assert len(poisoned) == bombs, f"{len(poisoned)} of {bombs} runs that kill ended as poisoned"
    most = max(sum(call.run == run for call in seen.calls) for run in poisoned)
    # The first delivery has written the row that the run began: three without a row follow it.
    assert most <= 4, f"a poisoned run was delivered {most} times"
    others = {status for run, status in seen.runs.items() if run not in poisoned}
    assert others == {"completed"}, f"others ended as {others}: {seen.errors()}"
