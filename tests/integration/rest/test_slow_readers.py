"""Readers that do not keep up, over real connections: rows are lost to nobody, chunks as the reader asked, and nobody else notices."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosedError

from application.batches import Slow
from infrastructure.channel import CAPACITY
from interface.rest.app import RestSettings
from tests.integration.rest.place import HEADERS, Place, open_place
from tests.integration.rest.worker import HandWorker

LONG = "x" * 2000
FLOOD = 6000
"""So many long chunks fit into no connection."""
ENOUGH_SECONDS = 30


@asynccontextmanager
async def not_reading(place: Place, path: str) -> AsyncIterator[asyncio.StreamReader]:
    """A reader with as little room as can be, that has asked and reads nothing until the test does."""
    url = urlsplit(place.url)
    silent = socket.socket()
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    silent.setblocking(False)
    await asyncio.get_running_loop().sock_connect(silent, (url.hostname, url.port))
    reader, writer = await asyncio.open_connection(sock=silent, limit=8192)
    head = f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: {HEADERS['Authorization']}\r\n\r\n"
    writer.write(head.encode())
    try:
        yield reader
    finally:
        writer.transport.abort()


async def flood(worker: HandWorker, rows: int = 0) -> None:
    for number in range(FLOOD):
        worker.say(f"{number} {LONG}")
        if rows and number % (FLOOD // rows) == 0:
            await worker.step(number)
        if number % 10 == 0:
            await asyncio.sleep(0)


async def everything(reader: asyncio.StreamReader) -> list[tuple[str, dict[str, Any]]]:
    """Names and data of all events until the stream ends."""
    async with asyncio.timeout(ENOUGH_SECONDS):
        pieces = (await reader.read()).split(b"\r\n\r\n", 1)[1].split(b"\r\n")
    told = b"".join(pieces[1::2]).decode()
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in told.split("\n\n")]
    return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]


def chunks(events: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [data for name, data in events if name == "chunk"]


async def listened_to(place: Place, worker: HandWorker) -> None:
    async with asyncio.timeout(ENOUGH_SECONDS):
        while not place.service.feed.wanted(worker.run.id):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


@pytest.mark.parametrize("slow", [Slow.DROP_OLDEST, Slow.BLOCK])
async def test_a_reader_that_falls_behind_loses_chunks_is_told_how_many_and_has_every_row(place: Place, slow: Slow) -> None:
    worker = await place.run()
    await worker.begin()
    async with not_reading(place, f"/v1/runs/{worker.run.id}/events?chunks=1&slow={slow}") as reader:
        await listened_to(place, worker)
        await flood(worker, rows=20)
        await worker.end()
        events = await everything(reader)

    got = chunks(events)
    assert [data["position"] for _, data in events if "position" in data] == list(range(1, 23))
    assert events[-1][0] == "end"
    numbers = [int(chunk["text"].split()[0]) for chunk in got]
    assert numbers == sorted(numbers)
    assert len(got) + sum(chunk["dropped"] for chunk in got) <= FLOOD
    assert sum(chunk["dropped"] for chunk in got) > FLOOD // 10
    if slow is Slow.DROP_OLDEST:
        assert numbers[-CAPACITY:] == list(range(FLOOD - CAPACITY, FLOOD)), "the newest are there"
        assert len(got) + sum(chunk["dropped"] for chunk in got) == FLOOD


async def test_a_reader_that_asked_for_it_is_let_go_when_it_falls_behind_and_resumes_by_its_cursor(place: Place) -> None:
    worker = await place.run()
    await worker.begin()
    path = f"/v1/runs/{worker.run.id}/events"
    async with not_reading(place, f"{path}?chunks=1&slow=disconnect") as reader:
        await listened_to(place, worker)
        await flood(worker, rows=20)
        await worker.end()
        events = await everything(reader)

    rows = [data["position"] for _, data in events if "position" in data]
    assert (events[-1][0], events[-1][1]["code"]) == ("error", "reader_too_slow")
    assert all(chunk["dropped"] == 0 for chunk in chunks(events))
    assert rows + [row["position"] for row in await place.by_sse(path, rows[-1], 100)] == list(range(1, 23))


async def test_a_socket_that_asked_for_it_is_closed_when_it_falls_behind(place: Place) -> None:
    worker = await place.run()
    await worker.begin()
    async with place.socket(f"/v1/runs/{worker.run.id}/events?chunks=1&slow=disconnect") as opened:
        await opened.recv()
        for number in range(CAPACITY * 3):
            worker.say(str(number))  # none of them can be sent before the last one is said
        told = []
        with suppress(ConnectionClosedError):
            async for message in opened:
                told.append(json.loads(message))

    assert (told[-1]["type"], told[-1]["code"]) == ("error", "reader_too_slow")
    assert opened.close_code == 4429


@pytest.mark.parametrize("query", ["", "&chunks=1"])
async def test_a_reader_that_asked_to_be_let_go_and_reads_nothing_holds_nothing_any_more(query: str) -> None:
    async with open_place(RestSettings(patience_seconds=0.05)) as place:
        worker = await place.run()
        await worker.begin()
        async with not_reading(place, f"/v1/runs/{worker.run.id}/events?slow=disconnect{query}"):
            await listened_to(place, worker)
            for number in range(1000):
                await worker.step(number, text=LONG * 5)
            async with asyncio.timeout(ENOUGH_SECONDS):
                while place.service.feed.wanted(worker.run.id):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)

            assert not place.service.feed.wanted(worker.run.id)


@pytest.mark.parametrize("slow", list(Slow))
async def test_readers_that_never_read_cost_one_that_reads_nothing(place: Place, slow: Slow) -> None:
    worker = await place.run()
    await worker.begin()
    path = f"/v1/runs/{worker.run.id}/events?chunks=1&slow={slow}"
    async with (
        not_reading(place, path),
        not_reading(place, path),
        place.socket(f"/v1/threads/{worker.run.thread}/events?chunks=1&slow=block") as quick,
    ):
        await listened_to(place, worker)
        await flood(worker, rows=5)
        await quick.recv()
        worker.say("the last word")
        await worker.end()
        async with asyncio.timeout(ENOUGH_SECONDS):
            heard = [json.loads(await quick.recv())]
            while heard[-1]["type"] != "run_ended":
                heard.append(json.loads(await quick.recv()))

    assert [row["position"] for row in heard if "position" in row][-6:] == list(range(2, 8))


@pytest.mark.parametrize("way", ["slow=never", "slow="])
async def test_a_policy_that_is_none_is_refused(place: Place, way: str) -> None:
    worker = await place.run()
    answer = await place.service.call("GET", f"/v1/runs/{worker.run.id}/events?chunks=1&{way}")

    assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/query/slow")
    async with place.socket(f"/v1/runs/{worker.run.id}/events?{way}") as opened, asyncio.timeout(10):
        await opened.wait_closed()
    assert opened.close_code == 4422
