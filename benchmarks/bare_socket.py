"""The floor of `benchmarks.streams`: a FastAPI application that sends the same message again and again, and nothing else.

python -m benchmarks.bare_socket PORT_FILE
"""

import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, WebSocket

MESSAGE = '{"position":1,"type":"node_finished","at":"2026-01-01T00:00:00.000000Z","run":"' + "0" * 36 + '","body":"' + "x" * 180 + '"}'
app = FastAPI()


@app.websocket("/")
async def send(socket: WebSocket, count: int) -> None:
    await socket.accept()
    for _ in range(count):
        await socket.send_text(MESSAGE)


def main(port_file: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port_file.write_text(str(listening.getsockname()[1]))
    uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)).run([listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
