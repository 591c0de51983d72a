"""A request to somebody else and what came back: bounded in time and size, redirects followed one checked hop at a time.

Nothing of the environment takes part (no proxies, no netrc), and nothing is remembered from one request to the next (no cookies).
"""

import asyncio
import ssl
import zlib
from functools import cache
from typing import Final

import httpcore

from infrastructure.outgoing.addresses import Addresses, Refused, place_of
from infrastructure.outgoing.connecting import CheckedBackend
from infrastructure.outgoing.messages import (
    MAX_HEADERS,
    MOVED,
    Answer,
    Ask,
    NotAnswered,
    as_written,
    authority_of,
    checked_headers,
    redirected,
    target_of,
)
from infrastructure.outgoing.unpacking import ACCEPTED, Unpacker, unpacker


class Door:
    """One for each set of what is allowed; `connections` at once. A connection is used once, over HTTP/2 where the other side wants that: a
    kept one may be closed when the next request is under way, and nobody could say then whether that has arrived."""

    def __init__(self, addresses: Addresses, connections: int = 100) -> None:
        self._addresses = addresses
        self._network = CheckedBackend(addresses)
        self._room = asyncio.Semaphore(connections)

    async def ask(self, ask: Ask) -> Answer:
        """`Refused` for where it may not go, `NotAnswered` for everything else that can go wrong."""
        watch = _Watch()
        try:
            async with asyncio.timeout(ask.seconds):
                return await self._followed(ask, watch)
        except TimeoutError:
            if watch.has_begun:
                raise NotAnswered("timeout", f"no answer within {ask.seconds:g} s", may_have_arrived=True) from None
            raise NotAnswered("connection_failed", f"no connection within {ask.seconds:g} s") from None
        except (Refused, NotAnswered) as error:
            error.may_have_arrived = watch.has_begun
            raise

    async def _followed(self, ask: Ask, watch: "_Watch") -> Answer:
        most = ask.redirects
        for _ in range(most + 1):
            answer = await self._asked(ask, watch)
            location = answer.headers.get("location")
            if not most or answer.status not in MOVED or location is None:
                return answer
            ask = redirected(ask, answer.status, location)
        raise NotAnswered("too_many_redirects", f"more than {most} redirects")

    async def _asked(self, ask: Ask, watch: "_Watch") -> Answer:
        place = place_of(ask.url)
        self._addresses.check(place)
        encoding = ACCEPTED if ask.unpacked else b"identity"
        headers = [(b"Host", authority_of(place).encode("ascii")), (b"Accept-Encoding", encoding), *checked_headers(ask)]
        url = httpcore.URL(scheme=place.scheme, host=place.host, port=place.port, target=target_of(ask.url))
        content = None if ask.only_reads and not ask.body else ask.body
        try:
            async with (
                self._room,
                httpcore.AsyncHTTPConnection(url.origin, _certificates(), http2=True, network_backend=self._network) as connection,
                connection.stream(ask.method, url, headers=headers, content=content, extensions={"trace": watch}) as response,
            ):
                return await _read(response, ask)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise NotAnswered("connection_failed", f"{place.origin} cannot be reached: {_said(error)}") from error
        except (Refused, NotAnswered):
            raise
        except Exception as error:  # whatever a stranger's answer makes of the libraries that read it
            raise NotAnswered("connection_lost", f"{place.origin} did not answer: {_said(error)}") from error


_BEGINS: Final = frozenset({"http11.send_request_headers.started", "http2.send_request_headers.started"})


class _Watch:
    """Whether anything of a request has been sent: what failed before that has not arrived."""

    def __init__(self) -> None:
        self.has_begun = False

    async def __call__(self, event: str, about: object) -> None:
        self.has_begun = self.has_begun or event in _BEGINS


@cache
def _certificates() -> ssl.SSLContext:
    """Of whom to trust. Reading them takes a while: once in a process, with the first request."""
    return httpcore.default_ssl_context()


async def _read(response: httpcore.Response, ask: Ask) -> Answer:
    headers: dict[str, str] = {}
    if sum(len(name) + len(value) for name, value in response.headers) > MAX_HEADERS:
        raise NotAnswered("answer_too_large", f"the answer's headers are larger than {MAX_HEADERS // 1024} KiB")
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), as_written(raw_value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    unpack = unpacker(headers.get("content-encoding", "") if ask.unpacked else "")
    if unpack is None:
        raise NotAnswered("unknown_encoding", f"the answer is packed as {headers['content-encoding'][:40]!r}")
    try:
        body = await _body(response, unpack, ask.most)
    except zlib.error as error:
        raise NotAnswered("unknown_encoding", f"the answer is not packed as it says: {error}") from error
    if len(body) <= ask.most and not unpack.is_whole:
        raise NotAnswered("connection_lost", "the answer ends before what is packed in it does")
    if len(body) > ask.most and not ask.cut:
        raise NotAnswered("answer_too_large", f"the answer is longer than {ask.most:,} bytes")
    return Answer(response.status, headers, body[: ask.most], ask.url, is_cut=len(body) > ask.most)


async def _body(response: httpcore.Response, unpack: Unpacker, most: int) -> bytes:
    """At most a byte more than `most`, whatever is still to come."""
    body, came = bytearray(), 0
    async for piece in response.aiter_stream():
        came += len(piece)
        body += unpack.feed(piece, most - len(body))
        if len(body) > most:
            break
        if came > most + MAX_HEADERS:
            raise NotAnswered("answer_too_large", f"more than {most:,} bytes came, and nothing of them")
    return bytes(body)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
