"""Events of threads and runs over a real socket: one cursor, whichever way they are read."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, TypeAlias

import pytest
from websockets.asyncio.client import ClientConnection

from tests.integration.rest.place import HEADERS, Place, Seen
from tests.integration.rest.service import CONFIGURED
from tests.integration.rest.worker import HandWorker

Way: TypeAlias = Callable[[str, int, int], Awaitable[Seen]]


async def work(worker: HandWorker, steps: int, chance: Random) -> None:
    await worker.begin(heard=chance.random() < 0.5)
    for number in range(steps):
        worker.say("so")
        await worker.step(number, heard=chance.random() < 0.7)
        await asyncio.sleep(0)
    await worker.end({"x": 2}, heard=chance.random() < 0.5)


async def read_all(place: Place, path: str, upto: int, chance: Random) -> list[int]:
    seen: list[int] = []
    ways: tuple[Way, ...] = (place.by_sse, place.by_socket, place.by_page)
    while not seen or seen[-1] < upto:
        after = seen[-1] if seen else 0
        # A thread's stream has no end: who asks it for more rows than will come waits for ever.
        rows = await chance.choice(ways)(path, after, chance.randint(1, min(9, upto - after)))
        seen += [row["position"] for row in rows]
    return seen


@pytest.mark.parametrize("seed", range(6))
async def test_readers_that_come_back_in_any_way_get_every_row_of_a_thread_exactly_once(place: Place, seed: int) -> None:
    chance = Random(seed)
    first = await place.run()
    path = f"/v1/threads/{first.run.thread}/events"
    # Two runs of twenty steps, each with a first and a last row.
    readers = [asyncio.create_task(read_all(place, path, 44, Random(seed * 10 + number))) for number in range(3)]
    await work(first, 20, chance)
    await work(await place.run(first.run.thread), 20, chance)

    assert await asyncio.wait_for(asyncio.gather(*readers), 60) == [list(range(1, 45))] * 3


@pytest.mark.parametrize("seed", range(4))
async def test_readers_that_come_back_in_any_way_get_every_row_of_a_run_exactly_once(place: Place, seed: int) -> None:
    earlier = await place.run()
    await work(earlier, 3, Random(0))
    worker = await place.run(earlier.run.thread)
    path = f"/v1/runs/{worker.run.id}/events"
    readers = [asyncio.create_task(read_all(place, path, 27, Random(seed * 10 + number))) for number in range(3)]
    await work(worker, 20, Random(seed))

    assert await asyncio.wait_for(asyncio.gather(*readers), 60) == [list(range(6, 28))] * 3


async def next_of(socket: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while (message := json.loads(await socket.recv()))["type"] != kind:
            pass
    found: dict[str, Any] = message
    return found


async def test_a_socket_of_a_run_brings_chunks_and_an_end_and_closes_in_order(place: Place) -> None:
    worker = await place.run()
    await worker.begin()
    async with place.socket(f"/v1/runs/{worker.run.id}/events?chunks=1") as socket:
        await next_of(socket, "run_started")
        worker.say("Hello")
        assert (await next_of(socket, "chunk"))["text"] == "Hello"
        await worker.end({"x": 2})
        assert await next_of(socket, "end") == {"type": "end", "run": worker.run.id, "status": "completed"}
        assert await close_code(socket) == 1000


async def test_a_threads_stream_stays_open_between_runs_and_hears_the_chunks_of_the_next_one(place: Place) -> None:
    first = await place.run()
    async with place.socket(f"/v1/threads/{first.run.thread}/events?chunks=1") as socket:
        await work(first, 1, Random(1))
        await next_of(socket, "run_ended")
        second = await place.run(first.run.thread)
        await second.begin()
        second.say("again")
        assert (await next_of(socket, "chunk"))["text"] == "again"
        await second.end()
        assert (await next_of(socket, "run_ended"))["run"] == second.run.id


async def test_a_message_nobody_knows_gets_an_error_and_the_socket_stays_open(place: Place) -> None:
    worker = await place.run()
    async with place.socket(f"/v1/threads/{worker.run.thread}/events") as socket:
        for strange in ("{", "[]", '{"type": "dance"}', "[" * 50_000):
            await socket.send(strange)
            assert (await next_of(socket, "error"))["code"] == "unknown_message"
        await socket.send('{"type": "ping"}')
        assert await next_of(socket, "pong") == {"type": "pong"}
        await worker.begin()
        assert (await next_of(socket, "run_started"))["position"] == 1


async def test_a_browser_names_its_key_as_a_protocol(place: Place) -> None:
    worker = await place.run()
    await worker.begin()
    path = f"/v1/threads/{worker.run.thread}/events"
    async with place.socket(path, additional_headers={}, subprotocols=["weft", f"bearer.{CONFIGURED}"]) as socket:
        assert socket.subprotocol == "weft"
        assert (await next_of(socket, "run_started"))["position"] == 1


async def close_code(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(10):
        await socket.wait_closed()
    return socket.close_code


@pytest.mark.parametrize("of", ["runs", "threads"])
@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        pytest.param("", {}, 4401, id="without a key"),
        pytest.param("", {"Authorization": "Bearer wrong"}, 4401, id="with a wrong key"),
        pytest.param("?after=-1", HEADERS, 4422, id="before the beginning"),
        pytest.param("?after=99", HEADERS, 4422, id="beyond the end"),
        pytest.param("?afer=1", HEADERS, 4422, id="with an unknown parameter"),
    ],
)
async def test_a_refused_socket_says_why_and_closes_with_4000_and_the_status(
    place: Place, of: str, query: str, headers: dict[str, str], code: int
) -> None:
    worker = await place.run()
    name = worker.run.id if of == "runs" else worker.run.thread
    async with place.socket(f"/v1/{of}/{name}/events{query}", additional_headers=headers) as socket:
        assert (await next_of(socket, "error"))["code"] in ("unauthenticated", "invalid", "validation_failed")
        assert await close_code(socket) == code


@pytest.mark.parametrize("of", ["runs", "threads"])
async def test_what_is_not_there_closes_with_4404(place: Place, of: str) -> None:
    async with place.socket(f"/v1/{of}/nothing/events") as socket:
        assert await close_code(socket) == 4404


async def test_a_server_that_stops_closes_its_sockets_with_1001(place: Place) -> None:
    worker = await place.run()
    await worker.begin()
    async with place.socket(f"/v1/threads/{worker.run.thread}/events") as socket:
        await next_of(socket, "run_started")
        place.service.stopping.set()
        assert await close_code(socket) == 1001
