"""A provider of models that sends what it is told, and waits for a word before it begins: `GET /go` lets all that were asked so far go.

python -m benchmarks.relay_provider PORT_FILE CHUNKS PAUSE
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

WORD = "tok "


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

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"GET"):
                    self._go.set()
                    self._go = asyncio.Event()
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                else:
                    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
                    await reader.readexactly(length)
                    await self._stream(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await self._go.wait()
        word = piece({"content": WORD})
        for _ in range(self._chunks):
            writer.write(word)
            await asyncio.sleep(self._pause)
        writer.write(piece({}, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()


async def main(port_file: Path, chunks: int, pause: float) -> None:
    server = await asyncio.start_server(Provider(chunks, pause), "127.0.0.1", 0)
    await asyncio.to_thread(port_file.write_text, str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
