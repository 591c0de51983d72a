"""Readers of streams that cost next to nothing: they share the machine with what they measure."""

import asyncio
import base64
import os
import socket
import time
from collections.abc import Callable
from typing import Final

SMALL: Final = 4096
"""Bytes that the kernel keeps for a reader that never reads."""


async def socket_seconds(host: str, port: int, path: str, messages: int) -> float:
    """From the handshake on until so many messages of a WebSocket are there."""
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    try:
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        began = time.perf_counter()
        writer.write(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.partition(b"\r\n")[0]:
            raise RuntimeError(answer.decode())
        await _read_frames(reader, messages)
        return time.perf_counter() - began
    finally:
        writer.close()


async def _read_frames(reader: asyncio.StreamReader, messages: int) -> None:
    waiting, seen = b"", 0
    while seen < messages:
        piece = await reader.read(1 << 18)
        if not piece:
            raise RuntimeError(f"closed after {seen} of {messages} messages")
        frames, used = count_frames(waiting + piece)
        waiting, seen = (waiting + piece)[used:], seen + frames


def count_frames(data: bytes) -> tuple[int, int]:
    """Whole text frames of a server (without mask) at the start of these bytes, and how many bytes they take."""
    at = count = 0
    while at + 2 <= len(data):
        size, head = data[at + 1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(data[at + 2 : at + head], "big")
        if at + head + size > len(data):
            break
        if data[at] != 0x81:
            raise RuntimeError(f"no text frame: {data[at : at + 64]!r}")
        at += head + size
        count += 1
    return count, at


class EventReader(asyncio.Protocol):
    """Reads server-sent events as they come. `heard`: is told when a piece with the marker arrived, as often as it is in it."""

    def __init__(self, request: bytes, marker: bytes, heard: Callable[[int, float], None]) -> None:
        self._request, self._marker, self._heard = request, marker, heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if found := data.count(self._marker):
            self._heard(found, time.perf_counter())


async def never_reading(host: str, port: int, request: bytes) -> socket.socket:
    """A connection that asks and leaves everything lying in as small a room as the kernel gives."""
    silent = socket.socket()
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    silent.setblocking(False)
    await asyncio.get_running_loop().sock_connect(silent, (host, port))
    await asyncio.get_running_loop().sock_sendall(silent, request)
    return silent
