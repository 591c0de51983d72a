"""Processes that share a Redis hear of each other at once; without it they go on, slower."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.processes.graphs import call, chain, graph
from tests.integration.processes.site import Site
from tests.integration.processes.test_cancelling import talking
from tests.servers import web
from tests.servers.redis import RedisServer
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""What Redis does is the same over each; this is the one it is used with."""

SLOW_POLL = {"WEFT_POLL_SECONDS": "20"}
"""What comes sooner came by a hint, or over the feed."""


@pytest.fixture
def shared(site: Site, redis_server: RedisServer) -> Site:
    site.commands.variables = {**site.commands.variables, "WEFT_REDIS_URL": redis_server.url}
    return site


@contextmanager
def chunks(service: Rest, run: str) -> Iterator[list[tuple[float, str]]]:
    """What a reader of the run's stream hears while the block runs: when, and each event's name."""
    heard: list[tuple[float, str]] = []
    over = threading.Event()

    def read() -> None:
        with web.stream("GET", f"{service.url}/v1/runs/{run}/events?chunks=1", timeout=60) as answer:
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    heard.append((time.monotonic(), line.removeprefix("event: ")))
                if over.is_set():
                    return

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    yield heard
    over.set()
    service.post(f"/v1/runs/{run}/cancel", {})
    reading.join(30)


def test_token_chunks_of_a_worker_reach_a_reader_of_another_process_live(shared: Site) -> None:
    service, workers = shared.service(), shared.workers(1)
    run = service.start(talking())
    shared.holder(workers)

    with chunks(service, run) as heard:
        until(lambda: len(pieces(heard)) >= 20, "twenty chunks")

    times = pieces(heard)[:20]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert sorted(gaps)[len(gaps) // 2] < 0.25, "one after the other as the model talks (0.1 s), not in heaps"


def test_token_chunks_of_a_worker_reach_who_reads_the_thread_since_before_the_run_began(shared: Site) -> None:
    service, _ = shared.service(), shared.workers(1)
    thread = service.ended(service.start(chain("first")))["thread_id"]
    with web.stream("GET", f"{service.url}/v1/threads/{thread}/events?chunks=1", timeout=60) as answer:
        lines = answer.iter_lines()
        assert "event: run_ended" in lines
        run = service.start(talking(), thread_id=thread)
        heard = list(itertools.islice((line for line in lines if line == "event: chunk"), 20))
    service.post(f"/v1/runs/{run}/cancel", {})

    assert len(heard) == 20


def pieces(heard: list[tuple[float, str]]) -> list[float]:
    return [at for at, name in heard if name == "chunk"]


def test_a_hint_wakes_a_worker_long_before_it_would_look(shared: Site) -> None:
    service, _ = shared.service(), shared.workers(1, **SLOW_POLL)
    service.ended(service.start(chain("first")))

    took = []
    for _ in range(5):
        began = time.monotonic()
        service.ended(service.start(chain("one")))
        took.append(time.monotonic() - began)
    assert sorted(took)[2] < 2.0, took


def test_workers_are_listed_with_what_they_have_in_hand_and_gone_when_they_stop(shared: Site) -> None:
    service, workers = shared.service(), shared.workers(2)
    run = service.start(chain("held"))
    holder = shared.holder(workers)

    def listed() -> dict[int, int]:
        items = web.get(f"{service.url}/v1/workers").json()["items"]
        return {worker["pid"]: worker["runs"] for worker in items}

    until(lambda: listed() == {worker.pid: int(worker is holder) for worker in workers}, "both, and the run")
    shared.witness.open("gate")
    service.ended(run)
    idle = next(worker for worker in workers if worker is not holder)
    idle.ask_to_stop()
    assert idle.ended() == 0
    until(lambda: list(listed()) == [holder.pid], "one is gone")


@pytest.mark.parametrize("begin", [RedisServer.kill, RedisServer.stall], ids=["killed", "stalled"])
def test_without_redis_runs_go_on_and_readiness_says_degraded(
    shared: Site, redis_server: RedisServer, begin: Callable[[RedisServer], None]
) -> None:
    service, workers = shared.service(), shared.workers(2)
    held = service.start(graph({"held": call("held", "gate"), "after": call("after")}, "start held after"))
    shared.holder(workers)
    begin(redis_server)

    def ready() -> dict[str, Any]:
        answer = web.get(f"{service.url}/readyz")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    until(lambda: ready()["degraded"], "degraded, and ready")
    assert not ready()["parts"]["redis"]["ready"]
    runs = [service.start(chain("one", "two")) for _ in range(10)]
    assert {service.ended(run)["status"] for run in runs} == {"completed"}
    shared.witness.open("gate")
    assert service.ended(held)["status"] == "completed"
    until(lambda: "weft_redis_up 0.0" in web.get(f"{service.url}/metrics").text, "a look that says that Redis is away")
    for worker in workers:
        until(lambda worker=worker: _said_of_redis(worker.log()), "a word about Redis")  # type: ignore[misc]
        said = _said_of_redis(worker.log())
        assert [line["level"] for line in said] == ["warning"], json.dumps(said)


def _said_of_redis(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if "Redis" in line["event"]]


def test_a_redis_emptied_again_and_again_loses_nothing(shared: Site, redis_server: RedisServer) -> None:
    service, _ = shared.service(), shared.workers(2)
    runs = []
    for _ in range(30):
        runs.append(service.start(chain("one", "two")))
        redis_server.tell("FLUSHALL")

    assert {service.ended(run)["status"] for run in runs} == {"completed"}
    assert len(shared.witness.calls()) == 60
