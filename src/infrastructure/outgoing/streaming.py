"""Answers that go on while they are read, through the same checks as everything else: what the SDK of MCP speaks HTTP with.

The address that was checked is the one that is connected to, at every hop; nothing of the environment takes part.
"""

import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Final

import httpcore2
import httpx2

from infrastructure.outgoing.addresses import Addresses, Place, place_of
from infrastructure.outgoing.messages import MAX_HEADERS

MOST_ANSWER: Final = 8 * 1024 * 1024
"""Bytes of one answer that is no stream of events; whoever reads those bounds each."""
EVENTS: Final = "text/event-stream"
SESSION: Final = "mcp-session-id"
_TRIED: Final = 4
FIRST_SECONDS: Final = 3.0
"""At most, for each address but the last: one that is dead leaves time for the others."""
CONNECTIONS: Final = 20
GOODBYE_SECONDS: Final = 2.0
"""For the answer to a DELETE, which ends a session: nobody waits for that for ever."""


class TooMuch(Exception):
    """An answer is larger than it may be, or packed, which could be anything."""


class CheckedTransport(httpx2.AsyncBaseTransport):
    """`failed` hears why there is no answer: who reads through this library may keep it to themselves. `forgotten`: the message of the
    error that answers a question within a session that the server does not know (404), in place of what the server says of it."""

    def __init__(self, addresses: Addresses, failed: Callable[[Exception], None], forgotten: str) -> None:
        self._addresses, self._failed, self._forgotten = addresses, failed, forgotten
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpcore2.default_ssl_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=30.0,
            network_backend=_CheckedBackend(addresses),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """`Refused` for where it may not go."""
        try:
            return await self._answered(request)
        except Exception as error:
            self._failed(error)
            raise

    async def _answered(self, request: httpx2.Request) -> httpx2.Response:
        place = place_of(str(request.url))
        self._addresses.check(place)
        request.headers["accept-encoding"] = "identity"
        target = httpcore2.URL(scheme=place.scheme, host=place.host, port=place.port, target=request.url.raw_path)
        timeouts = dict(request.extensions.get("timeout", {}))
        if request.method == "DELETE":
            timeouts["read"] = GOODBYE_SECONDS
        asked = httpcore2.Request(
            request.method, target, headers=request.headers.raw, content=request.stream, extensions={"timeout": timeouts}
        )
        answer = await self._pool.handle_async_request(asked)
        if answer.status == 404 and request.method == "POST" and SESSION in request.headers:
            await answer.aclose()
            return _error_of(self._forgotten)
        try:
            return _readable(answer)
        except TooMuch:
            await answer.aclose()
            raise

    async def aclose(self) -> None:
        await self._pool.aclose()


def streaming_client(
    addresses: Addresses, headers: Mapping[str, str], seconds: float, failed: Callable[[Exception], None], forgotten: str
) -> httpx2.AsyncClient:
    """`seconds` to connect and to send; an answer that is a stream may be silent for as long as its reader waits."""
    transport = CheckedTransport(addresses, failed, forgotten)
    return httpx2.AsyncClient(transport=transport, headers=dict(headers), timeout=httpx2.Timeout(seconds, read=None), trust_env=False)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response, most: float) -> None:
        self._answer, self._most = answer, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        came = 0
        async for piece in self._answer.aiter_stream():
            came += len(piece)
            if came > self._most:
                raise TooMuch(f"the answer is larger than {self._most:,} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


class _CheckedBackend(httpcore2.AsyncNetworkBackend):
    """As `infrastructure.outgoing.connecting.CheckedBackend`, for the other library."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            found = await self._addresses.find(Place("", host, port))
        except OSError as error:
            raise httpcore2.ConnectError(f"{host}: {error.strerror or error}") from error
        *others, last = found[:_TRIED]
        for address in others:
            try:
                return await self._network.connect_tcp(address, port, min(timeout or FIRST_SECONDS, FIRST_SECONDS), None, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._network.connect_tcp(last, port, timeout, None, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise httpcore2.UnsupportedProtocol("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


def _error_of(message: str) -> httpx2.Response:
    return httpx2.Response(404, json={"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": message}})


def _readable(answer: httpcore2.Response) -> httpx2.Response:
    headers = httpx2.Headers(answer.headers)
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise TooMuch("the answer is packed, which nobody asked for")
    if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADERS:
        raise TooMuch(f"the answer's headers are larger than {MAX_HEADERS // 1024} KiB")
    most = math.inf if headers.get("content-type", "").lower().startswith(EVENTS) else MOST_ANSWER
    return httpx2.Response(answer.status, headers=headers, stream=_Body(answer, most), extensions=answer.extensions)
