"""A provider of models that sends what it is told, and waits for a word before it begins: `GET /ready/20` is answered when 20 streams are
asked for, `GET /go` lets them go.

python -m benchmarks.relay_provider PORT_FILE CHUNKS PAUSE
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

WORD = "tok"


def piece(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """An event, as one chunk of the transfer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    said = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    event = f"data: {json.dumps(said)}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(event), event)


class Provider:
    def __init__(self, chunks: int, pause: float) -> None:
        self._chunks, self._pause = chunks, pause
        self._go = asyncio.Event()
        self._waiting = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    await self._told(head.split()[1].decode())
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                else:
                    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
                    await reader.readexactly(length)
                    await self._stream(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _told(self, path: str) -> None:
        if path == "/go":
            self._waiting = 0
            self._go.set()
            self._go = asyncio.Event()
        else:
            most = int(path.rpartition("/")[2])
            while self._waiting < most:  # noqa: ASYNC110 - what it waits for is a count
                await asyncio.sleep(0.05)

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        self._waiting += 1
        await self._go.wait()
        for number in range(self._chunks):  # litellm ends a stream that says the same a hundred times
            writer.write(piece({"content": f"{WORD}{number} "}))
            await asyncio.sleep(self._pause)
        writer.write(piece({}, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()


async def tell(port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    await reader.read(100)
    writer.close()


async def main(port_file: Path, chunks: int, pause: float) -> None:
    server = await asyncio.start_server(Provider(chunks, pause), "127.0.0.1", 0)
    await asyncio.to_thread(port_file.write_text, str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
