"""Scenarios of what stands around: Redis, the pool of connections, a full disk, a node that holds the event loop, crowds."""

import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.integration.faults.checker import check_standard
from tests.integration.faults.cluster import DISK
from tests.integration.faults.load import asking_for_a_signal, holding
from tests.integration.faults.scenario import scenario
from tests.integration.faults.stage import Stage, few_were_taken_over
from tests.servers import web
from tests.servers.redis import RedisServer
from tests.servers.until import until


@scenario("Redis is emptied, killed, stopped and restarted", "nothing is lost but speed", redis=True)
def redis_is_lost(stage: Stage) -> None:
    count = stage.size(60, 500)
    stage.start(workers=stage.size(2, 4), apis=2)
    stage.order(count, readers=0.2, spread_seconds=stage.size(8, 120))
    redis = stage.cluster.redis
    assert redis is not None
    ways = [emptied, killed, stalled]

    def lose() -> None:
        ways[int(stage.figures.get("faults", 0)) % len(ways)](redis, stage.pause)

    stage.while_working(stage.size(6, 30), lose, 0.2, 1.0)
    check_standard(stage.settle(), count)


def emptied(redis: RedisServer, pause: Callable[[float, float], None]) -> None:
    redis.tell("FLUSHALL")


def killed(redis: RedisServer, pause: Callable[[float, float], None]) -> None:
    redis.kill()
    pause(0.2, 1.0)
    redis.start()


def stalled(redis: RedisServer, pause: Callable[[float, float], None]) -> None:
    redis.stall()
    pause(0.5, 2.0)
    redis.go_on()


@scenario("more clients than connections", "typed answers (503, never 500), and every start in the end")
def the_pool_is_exhausted(stage: Stage) -> None:
    count = stage.size(150, 2_000)
    stage.start(workers=1, WEFT_DATABASE_MAX_CONNECTIONS="4", WEFT_DATABASE_CONNECTION_TIMEOUT="0.05")
    stage.order(count, at_once=64, readers=0.3)
    until(lambda: stage.acknowledged() > 10, "starts", 60)
    stage.cluster.database.lock("runs", 1.0)
    check_standard(stage.settle(stage.size(120, 300)), count)
    few_were_taken_over(stage, count)


@scenario("the disk of PostgreSQL is full", "typed answers, and work goes on after", disk_megabytes=300)
def the_disk_is_full(stage: Stage) -> None:
    """Wants a small disk of its own, which only root can have."""
    count = stage.size(40, 300)
    stage.start(workers=2)
    stage.order(count, spread_seconds=stage.size(5, 30))
    until(stage.cluster.ledger.calls, "the first call", 60)
    ballast = stage.cluster.folder / DISK / "ballast"
    with ballast.open("wb") as file:
        subprocess.run(["dd", "if=/dev/zero", "bs=1M"], stdout=file, stderr=subprocess.DEVNULL, check=False)
    stage.count("faults")
    stage.pause(2.0, 4.0)
    ballast.unlink()
    check_standard(stage.settle(stage.size(120, 300)), count)
    few_were_taken_over(stage, count)


@scenario("a node holds the event loop of its worker", "the others keep their leases, and nothing is taken over")
def a_loop_is_held(stage: Stage) -> None:
    count = stage.size(20, 500)
    stage.start(workers=stage.size(2, 4))
    stage.order(count, spread_seconds=stage.size(5, 60))
    stage.order(stage.size(1, 10), holding(seconds=2 * 3.0), at_once=1)
    seen = stage.settle()
    begun = {(thread, epoch) for thread, _, epoch, _ in seen.writes}
    stage.figures["takeovers"] = sum((thread, epoch - 1) in begun for thread, epoch in seen.claims)
    assert set(seen.runs.values()) == {"completed"}, f"runs ended as {set(seen.runs.values())}: {seen.errors()}"
    # What was claimed as the loop was being held, and never came in hand, is better off with another worker.
    assert stage.figures["takeovers"] == 0, "a lease was lost"


@scenario("fifty clients cancel and answer at once", "one outcome each")
def a_crowd_decides(stage: Stage) -> None:
    count = stage.size(6, 100)
    stage.start(workers=2, apis=2)
    stage.order(count, asking_for_a_signal())
    until(lambda: stage.cluster.database.number("SELECT count(*) FROM runs WHERE status = 'parked'") == count, "parked runs", 60)
    runs = [line["run"] for line in stage.said() if line["what"] == "ack"]
    with ThreadPoolExecutor(50) as crowd:
        for run in runs:
            list(crowd.map(lambda number, run=run: _decide(stage, run, number), range(50)))
            stage.count("faults", 50)
    seen = stage.settle()
    assert set(seen.runs.values()) <= {"completed", "cancelled"}
    for run in runs:
        kinds = [row.kind for row in seen.rows_of[run]]
        assert kinds.count("cancel_requested") <= 1
        assert kinds.count("node_finished") <= 1
    stage.figures["cancelled"] = list(seen.runs.values()).count("cancelled")


def _decide(stage: Stage, run: str, number: int) -> None:
    """Half of them want one thing, half the other; who comes too late is told so."""
    url = stage.cluster.urls[number % len(stage.cluster.urls)]
    path = "cancel" if number % 2 else "signals/go"
    answer = web.post(f"{url}/v1/runs/{run}/{path}", json={}, timeout=30)
    assert answer.is_success or answer.status_code == httpx.codes.CONFLICT, answer.text


@scenario("a start is waited for by many, and its API is restarted", "whoever comes back hears the end")
def waiting_clients_are_cut(stage: Stage) -> None:
    count = stage.size(30, 300)
    stage.start(workers=1, apis=1)
    stage.order(count, readers=1.0, spread_seconds=stage.size(5, 30))
    (port,) = stage.cluster.apis

    def restart() -> None:
        stage.cluster.restart_api(port, stage.chance.choice([signal.SIGKILL, signal.SIGTERM]))
        time.sleep(0.2)

    stage.while_working(stage.size(3, 15), restart, 0.2, 1.0)
    check_standard(stage.settle(), count)
