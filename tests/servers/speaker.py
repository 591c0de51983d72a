"""A server that says whatever bytes a test wants, and counts who came. What a well-behaved server library would never send is its point."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

Say: TypeAlias = Callable[["Heard", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Heard:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Speaker:
    """`said`: an answer as bytes, or what writes it."""

    port: int
    host: str
    connections: int = 0
    heard: list[Heard] = field(default_factory=list)
    said: bytes | Say = b"HTTP/1.1 204 No Content\r\n\r\n"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            one = await _read(reader)
            self.heard.append(one)
            if isinstance(self.said, bytes):
                writer.write(self.said)
            else:
                await self.said(one, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Heard(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def answer(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    told = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} So\r\n{head}\r\n".encode() + body


def moved(location: str, status: int = 302) -> bytes:
    return answer(status=status, Location=location)


@asynccontextmanager
async def speaking(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Speaker]:
    speaker = Speaker(port, host)
    server = await asyncio.start_server(speaker.meet, host, port)
    speaker.port = server.sockets[0].getsockname()[1]
    try:
        yield speaker
    finally:
        server.close()
