"""Streams of real processes: nothing lost and nothing twice over any number of connections, and an orderly end."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.integration.processes.graphs import chain, graph
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.commands import Running
from tests.servers.rest import Rest

pytestmark = pytest.mark.processes

STEPS = 400
ROWS = STEPS + 2
SOON_SECONDS = 8.0


def counting() -> dict[str, Any]:
    """Many short steps, each a row."""
    nodes = {"again": {"kind": "transform", "writes": {"calls": "${['x']}"}}}
    document = graph(nodes, "start again")
    again = {"from": "again", "edge_type": "flexible_conditional", "otherwise": "end"}
    document["edges"].append({**again, "route": [{"when": f"size(state.calls) < {STEPS}", "to": "again"}]})
    return {**document, "limits": {"steps": STEPS, "visits": STEPS}}


def by_sse(service: Rest, path: str, after: int, most: int) -> Iterator[int]:
    with web.stream("GET", f"{service.url}{path}?chunks=1", headers={"Last-Event-ID": str(after)}, timeout=30) as stream:
        for line in stream.iter_lines():
            if line.startswith("id: "):
                yield int(line.removeprefix("id: "))
                most -= 1
            if not most:
                return


def by_socket(service: Rest, path: str, after: int, most: int) -> Iterator[int]:
    with connect(f"ws{service.url.removeprefix('http')}{path}?chunks=1&after={after}", max_queue=None) as socket:
        for message in socket:
            if "position" in (row := json.loads(message)):
                yield row["position"]
                most -= 1
            if not most:
                return


def read_all(service: Rest, path: str, chance: Random, into: list[int]) -> None:
    while not into or into[-1] < ROWS:
        after = into[-1] if into else 0
        rows = chance.choice((by_sse, by_socket))(service, path, after, chance.randint(1, min(90, ROWS - after)))
        with suppress(ConnectionClosedError):  # 4503 of a busy machine's database: whoever comes back goes on where it was
            for position in rows:
                into.append(position)


@pytest.mark.parametrize("seed", range(3))
def test_readers_of_a_service_get_every_row_of_another_processes_run_once_however_often_they_come_back(site: Site, seed: int) -> None:
    service, seen = site.service(), [list[int]() for _ in range(4)]
    run = service.start(counting())
    paths = [f"/v1/runs/{run}/events", f"/v1/threads/{service.run(run)['thread_id']}/events"]
    readers = [
        threading.Thread(target=read_all, args=(service, paths[number % 2], Random(seed * 10 + number), into), daemon=True)
        for number, into in enumerate(seen)
    ]
    for reader in readers:
        reader.start()
    site.workers(1)
    for reader in readers:
        reader.join(120)

    assert seen == [list(range(1, ROWS + 1))] * 4


def serving(site: Site) -> tuple[Running, Rest, str]:
    """A service that holds a run, and the run."""
    process = site.commands.serve()
    service = Rest(process.url())
    run = service.start(chain("held"))
    site.holder([process])
    return process, service, run


@pytest.mark.parametrize("of", ["runs", "threads"])
def test_a_service_that_stops_closes_its_sockets_with_1001_and_its_streams_without_an_end(site: Site, of: str) -> None:
    process, service, run = serving(site)
    name = run if of == "runs" else service.run(run)["thread_id"]
    path = f"/v1/{of}/{name}/events"
    with (
        connect(f"ws{service.url.removeprefix('http')}{path}") as socket,
        web.stream("GET", service.url + path, timeout=30) as stream,
    ):
        lines = stream.iter_lines()
        assert json.loads(socket.recv(10))["position"] == 1
        assert next(line for line in lines if line.startswith("id: ")) == "id: 1"
        process.ask_to_stop()
        site.witness.open("gate")
        list(socket)
        assert "event: end" not in list(lines)

    assert socket.protocol.close_code == 1001
    assert process.ended(SOON_SECONDS) == 0
