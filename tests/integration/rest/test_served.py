"""What only a real server on a real port can show."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from domain.ids import RunId, ThreadId
from domain.ports.feed import NewsOfRun, Slow
from tests.integration.rest.service import CONFIGURED, Service, adder
from tests.integration.rest.serving import Served, served
from tests.servers import web

HEADERS = {"Authorization": f"Bearer {CONFIGURED}", "Content-Type": "application/json"}


async def one_run(service: Service) -> None:
    await service.publish(adder())
    await service.start({"workflow": "adder", "input": {"x": 1}})
    await (await service.worker()).begin()


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(one_run) as found:
        yield found


@pytest.mark.parametrize("chunked", [pytest.param(False, id="with its length"), pytest.param(True, id="in chunks")])
def test_a_body_of_20_mb_gets_its_answer_over_a_socket(server: Served, chunked: bool) -> None:
    pieces = (b" " * 1_000_000 for _ in range(20))
    answer = web.post(f"{server.url}/v1/workflows", headers=HEADERS, content=pieces if chunked else b"".join(pieces), timeout=30)

    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_a_client_that_drops_its_socket_leaves_no_listener(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    listen = server.service.feed.listen

    @asynccontextmanager
    async def watched(thread: ThreadId, run: RunId, slow: Slow | None) -> AsyncIterator[NewsOfRun]:
        try:
            async with listen(thread, run, slow) as news:
                yield news
        finally:
            let_go.set()

    monkeypatch.setattr(server.service.feed, "listen", watched)
    with events_of_the_run(server) as lines:
        assert not let_go.is_set()
        assert next(lines)

    assert let_go.wait(5)


def test_an_open_stream_does_not_keep_a_server_from_stopping() -> None:
    with served(one_run) as server, events_of_the_run(server) as lines:
        server.stop()
        assert not any(line == "event: end" for line in lines)


@contextmanager
def events_of_the_run(server: Served) -> Iterator[Iterator[str]]:
    """A stream from which the first event has been read."""
    run = web.get(f"{server.url}/v1/runs", headers=HEADERS).json()["items"][0]["id"]
    with web.stream("GET", f"{server.url}/v1/runs/{run}/events", headers=HEADERS) as stream:
        lines = stream.iter_lines()
        assert any(line == "event: run_started" for line in lines)
        yield lines
