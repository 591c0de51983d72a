"""The client of a server that does not behave."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from interface.cli.client import Server, connected
from interface.cli.failures import CommandFailed, Exit


def row(position: int) -> bytes:
    data = json.dumps({"position": position, "type": "node_finished"})
    return f": still here\n\nid: {position}\nevent: node_finished\ndata: {data}\n\n".encode()


END = b'event: end\ndata: {"status": "completed"}\n\n'


@contextmanager
def answering(*answers: tuple[int, str, bytes]) -> Iterator[tuple[Server, list[str]]]:
    """A server that gives one answer after the other (status, content type, body), then the last again; and what it was asked."""
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, media_type, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        with connected(f"http://127.0.0.1:{server.server_port}", None) as client:
            yield client, asked
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interface.cli.client.PAUSE_SECONDS", 0)


def test_a_stream_that_is_cut_goes_on_where_it_was_cut() -> None:
    stream = "text/event-stream"
    with answering((200, stream, row(1) + row(2)), (200, stream, b""), (200, stream, row(3) + END)) as (server, asked):
        seen = list(server.follow("some-run"))

    assert [happening.position or happening.name for happening in seen] == [1, 2, 3, "end"]
    assert [parse_qs(urlsplit(path).query)["after"] for path in asked] == [["0"], ["2"], ["2"]]


def test_a_stream_that_is_always_cut_is_given_up() -> None:
    with answering((200, "text/event-stream", b"")) as (server, asked), pytest.raises(CommandFailed) as failed:
        list(server.follow("some-run"))

    assert failed.value.code == Exit.UNREACHABLE
    assert len(asked) > 1


def test_half_an_event_is_no_event() -> None:
    cut = row(1) + b'id: 2\nevent: node_finished\ndata: {"position": 2, "ty'
    with answering((200, "text/event-stream", cut), (200, "text/event-stream", row(2) + END)) as (server, _):
        assert [happening.position for happening in server.follow("some-run")] == [1, 2, None]


def test_what_is_no_weft_server_is_said_to_be_none() -> None:
    with answering((404, "text/html", b"<h1>nginx</h1>")) as (server, _), pytest.raises(CommandFailed, match="no Weft server") as failed:
        server.get("/v1/runs")

    assert failed.value.code == Exit.UNREACHABLE


def test_a_list_is_read_over_as_many_pages_as_it_takes() -> None:
    def page(items: list[int], cursor: str | None) -> tuple[int, str, bytes]:
        return 200, "application/json", json.dumps({"items": [{"id": item} for item in items], "next_cursor": cursor}).encode()

    with answering(page([1, 2], "more"), page([3], None)) as (server, asked):
        assert [run["id"] for run in server.items("/v1/runs", 10, status=None)] == [1, 2, 3]

    assert asked == ["/v1/runs?limit=10", "/v1/runs?limit=10&cursor=more"]
