"""The service on a real port of the loopback address, in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from tests.integration.rest.service import Service, open_service


@dataclass
class Served:
    url: str
    service: Service
    stop: Callable[[], None]


@contextmanager
def served(prepare: Callable[[Service], Coroutine[Any, Any, None]]) -> Iterator[Served]:
    ready, stop = threading.Event(), threading.Event()
    found: list[Served] = []

    async def serve() -> None:
        async with open_service() as service, on_a_port(service) as url:
            await prepare(service)
            found.append(Served(url, service, stop.set))
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield found[0]
    finally:
        stop.set()
        thread.join(30)


@asynccontextmanager
async def on_a_port(service: Service) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(service.app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        service.stopping.set()
        server.should_exit = True
        await serving
