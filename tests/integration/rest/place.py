"""A service on a port of its own, and clients that read its streams."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import httpx
from websockets.asyncio.client import connect

from interface.rest.app import RestSettings
from tests.integration.rest.service import CONFIGURED, Service, adder, open_service
from tests.integration.rest.serving import on_a_port
from tests.integration.rest.worker import HandWorker

HEADERS = {"Authorization": f"Bearer {CONFIGURED}"}
Seen: TypeAlias = list[dict[str, Any]]


class Place:
    """A service on a port, and clients of it."""

    def __init__(self, service: Service, url: str) -> None:
        self.service = service
        self.url = url

    async def run(self, thread: str | None = None) -> HandWorker:
        more = {} if thread is None else {"thread_id": thread}
        answer = await self.service.start({"workflow": "adder", "input": {"x": 1}, **more})
        assert answer.status_code == 202, answer.text
        return await self.service.worker()

    def socket(self, path: str, **how: Any) -> connect:
        # Without bound: a client that hangs up with a full queue does not read the server's goodbye, and waits ten seconds for it.
        return connect(self.url.replace("http", "ws") + path, **{"additional_headers": HEADERS, "max_queue": None, **how})

    async def by_sse(self, path: str, after: int, most: int) -> Seen:
        seen: Seen = []
        async with httpx.AsyncClient() as client, client.stream("GET", f"{self.url}{path}?after={after}", headers=HEADERS) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line.removeprefix("data: ")))
                if len(seen) >= most or line == "event: end":
                    break
        return [row for row in seen if "position" in row]

    async def by_socket(self, path: str, after: int, most: int) -> Seen:
        seen: Seen = []
        async with self.socket(f"{path}?after={after}") as socket:
            async for message in socket:
                seen.append(json.loads(message))
                if len(seen) >= most:
                    break
        return [row for row in seen if "position" in row]

    async def by_page(self, path: str, after: int, most: int) -> Seen:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.url}{path}?format=json&after={after}&limit={most}", headers=HEADERS)
        page = answer.json()
        assert page["next"] == (page["items"][-1]["position"] if page["items"] else after)
        items: Seen = page["items"]
        return items


@asynccontextmanager
async def open_place(settings: RestSettings | None = None) -> AsyncIterator[Place]:
    async with open_service(settings=settings) as service:
        await service.publish(adder())
        async with on_a_port(service) as url:
            yield Place(service, url)
