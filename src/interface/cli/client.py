"""A server's REST interface, as the commands use it."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

import httpx

from interface.cli.failures import CommandFailed, Exit, detail
from interface.cli.happenings import Happening, Members

DEFAULT_SERVER: Final = "http://127.0.0.1:8040"
PAUSE_SECONDS: Final = 0.5
_CUT_STREAMS_IN_A_ROW: Final = 5
_SECONDS: Final = httpx.Timeout(30.0, connect=5.0)
_LONGEST_SILENCE: Final = httpx.Timeout(60.0, connect=5.0)
"""Streams show every 15 seconds that they are alive."""
_PAGE: Final = 200


class Server:
    """`CommandFailed` with code 3 when it cannot be reached, with 2 when it refuses what was asked."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        try:
            self._http = httpx.Client(base_url=self.url, headers=headers, timeout=_SECONDS, trust_env=False)
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise CommandFailed(f"--server {url} is no address ({error}): use one like {DEFAULT_SERVER}") from error

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str | int | None) -> Any:
        return self._answer(self._http.build_request("GET", path, params=given(parameters))).json()

    def text(self, path: str, **parameters: str | int | None) -> str:
        return self._answer(self._http.build_request("GET", path, params=given(parameters))).text

    def post(self, path: str, body: object = None, within: float | None = None) -> Any:
        """`within`: seconds, for what takes longer than a look."""
        timeout = _SECONDS if within is None else httpx.Timeout(within, connect=5.0)
        return self._answer(self._http.build_request("POST", path, json={} if body is None else body, timeout=timeout)).json()

    def patch(self, path: str, body: object) -> Any:
        return self._answer(self._http.build_request("PATCH", path, json=body)).json()

    def put(self, path: str, body: object) -> Any:
        return self._answer(self._http.build_request("PUT", path, json=body)).json()

    def delete(self, path: str) -> None:
        self._answer(self._http.build_request("DELETE", path))

    def post_document(self, path: str, content: bytes, media_type: str, file: str) -> tuple[Members, bool]:
        """The answer, and whether something new came of it. `file` names the document in what is refused."""
        answer = self._answer(self._http.build_request("POST", path, content=content, headers={"Content-Type": media_type}), file)
        return answer.json(), answer.status_code == httpx.codes.CREATED

    def items(self, path: str, limit: int, **parameters: str | None) -> list[Members]:
        """The first `limit` items of a list, over as many pages as it takes."""
        return list(islice(self.each(path, limit, **parameters), limit))

    def each(self, path: str, page_size: int, **parameters: str | None) -> Iterator[Members]:
        """Every item of a list, page by page as they are wanted."""
        cursor: str | None = None
        while True:
            page = self.get(path, limit=min(page_size, _PAGE), cursor=cursor, **parameters)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def follow(self, run: str, after: int = 0, *, chunks: bool = False) -> Iterator[Happening]:
        """A run's events until its end; a stream that is cut is resumed where it was cut."""
        cuts = 0
        while cuts < _CUT_STREAMS_IN_A_ROW:
            for happening in self._stream(run, after, chunks):
                if happening.name == "error":  # the last words of a stream that is cut
                    break
                yield happening
                if happening.name == "end":
                    return
                after, cuts = happening.position or after, 0
            cuts += 1
            time.sleep(PAUSE_SECONDS)
        raise CommandFailed(f"{self.url} cuts the stream of run {run} again and again: look at its log", code=Exit.UNREACHABLE)

    def _stream(self, run: str, after: int, chunks: bool) -> Iterator[Happening]:
        path = f"/v1/runs/{run}/events"
        wanted: dict[str, str | int] = {"after": after, "chunks": int(chunks)}
        with self._reaching(), self._http.stream("GET", path, params=wanted, timeout=_LONGEST_SILENCE) as answer:
            if answer.is_error:
                answer.read()
                raise refused(answer)
            try:
                yield from _happenings(answer.iter_lines())
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ReadTimeout):
                return  # cut; `follow` comes back with the last position

    def _answer(self, request: httpx.Request, file: str = "") -> httpx.Response:
        with self._reaching():
            answer = self._http.send(request)
        if answer.is_error:
            raise refused(answer, file)
        # It has been read. Its stream leads back to it, and to what was sent: together they would stay until Python looks for circles.
        answer.stream = httpx.ByteStream(b"")
        return answer

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            advice = "start one with `weft serve`, or name another with --server URL or WEFT_SERVER"
            raise CommandFailed(f"no server answers at {self.url} ({_why(error)}): {advice}", code=Exit.UNREACHABLE) from error


@contextmanager
def connected(url: str | None, key: str | None) -> Iterator[Server]:
    server = Server(url or DEFAULT_SERVER, key)
    try:
        yield server
    finally:
        server.close()


def given(parameters: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in parameters.items() if value is not None}


def _why(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__


def _happenings(lines: Iterator[str]) -> Iterator[Happening]:
    """Server-sent events; comments and blocks without data are skipped."""
    name, data = "message", ""
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                yield Happening(name, json.loads(data))
            name, data = "message", ""
        elif field == "event":
            name = value
        elif field == "data":
            data += value


def refused(answer: httpx.Response, file: str = "") -> CommandFailed:
    """What a problem document says, or the status when something else answered."""
    code = Exit.UNREACHABLE if answer.status_code in (502, 503, 504) else Exit.FAILED if answer.is_server_error else Exit.WRONG_USE
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return CommandFailed(f"{answer.url} answers {answer.status_code} and is no Weft server: look at --server", code=Exit.UNREACHABLE)
    problem = answer.json()
    details = [detail(**found, file=file) for found in problem.get("problems", ())]
    sentence = problem["detail"]
    return CommandFailed(f"{file}: {sentence}" if file else sentence, details, code)
