"""The whole of Weft in one process, as `weft serve` puts it together: REST over SQLite, with a worker that works when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from bootstrap import App, open_app
from settings import OFFLINE_ALIASES, read_settings
from tests.integration.rest.service import CONFIGURED


@dataclass(frozen=True)
class Site:
    app: ASGIApp
    weft: App

    async def call(self, method: str, path: str, **how: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
            headers = {"Authorization": f"Bearer {CONFIGURED}", **how.pop("headers", {})}
            return await client.request(method, path, headers=headers, **how)

    async def publish(self, *documents: dict[str, Any]) -> None:
        for document in documents:
            answer = await self.call("POST", "/v1/workflows", json=document)
            assert answer.status_code == 201, answer.text

    async def start(self, workflow: str | dict[str, Any], wait: float = 0, **order: Any) -> dict[str, Any]:
        answer = await self.call("POST", f"/v1/runs?wait={wait}", json={"workflow": workflow, **order})
        assert answer.status_code == (200 if wait else 202), answer.text
        run: dict[str, Any] = answer.json()
        return run

    async def run(self, identity: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.call("GET", f"/v1/runs/{identity}")).json()
        return found

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker is there inside the block; leaving it stops it."""
        task = asyncio.create_task(self.weft.worker.run())
        try:
            yield
        finally:
            self.weft.worker.stop()
            await asyncio.wait_for(task, 30)


@asynccontextmanager
async def open_site(folder: Path) -> AsyncIterator[Site]:
    settings = read_settings(
        database_url=f"sqlite:///{folder}/weft.db", models=OFFLINE_ALIASES, log="error", grace_seconds=0.0, api_keys=CONFIGURED
    )
    async with open_app(settings) as weft:
        yield Site(weft.rest(asyncio.Event()), weft)
