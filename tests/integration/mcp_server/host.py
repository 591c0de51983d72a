"""Weft on a port with a worker beside it, and clients of the protocol that call it as a host would."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from application.access import KeyOrder, Role, local_admin
from application.run_views import RunListItem
from application.runs import RunListOrder
from bootstrap import App, open_app
from settings import OFFLINE_ALIASES, read_settings
from tests.documents import document
from tests.integration.rest.service import CONFIGURED

ERAS = ("legacy", "auto")
"""With a handshake, and the revision that has none."""
STEPS = ("one", "two", "three")

STEADY = document(
    {name: {"kind": "transform", "writes": {"said": f"${{state.said + '{name} '}}"}} for name in STEPS},
    ["start > one", "one > two", "two > three"],
    name="steady",
    description="Says three things.",
    state={"said": {"type": "string", "default": ""}},
    input={"type": "object", "properties": {"said": {"type": "string"}}, "required": ["said"], "additionalProperties": False},
    output={"said": "${state.said}"},
)
FAILING = document(
    {"break": {"kind": "terminate", "status": "failed", "output": "out of stock"}},
    ["start > break"],
    name="failing",
)
ASKING = document(
    {
        "ask": {
            "kind": "human",
            "show": "Shall it go out?",
            "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
            "writes": {"said": "${output}"},
        }
    },
    ["start > ask"],
    name="asking",
    state={"said": {}},
    output={"said": "${state.said}"},
)
WAITING = document(
    {"begin": {"kind": "transform"}, "wait": {"kind": "wait", "seconds": 3600}}, ["start > begin", "begin > wait"], name="waiting"
)


@dataclass(frozen=True)
class Host:
    """`weft` is what it talks to."""

    weft: App
    url: str

    @asynccontextmanager
    async def client(self, era: str = "auto", key: str = CONFIGURED, **headers: str) -> AsyncIterator[Client]:
        """A client that has connected."""
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}", **headers}, timeout=30) as http,
            Client(streamable_http_client(f"{self.url}/mcp", http_client=http), mode=era) as client,
        ):
            yield client

    async def publish(self, *documents: Mapping[str, Any], tenant: str = "default") -> None:
        for one in documents:
            await self.weft.desk.publish_workflow(local_admin(tenant), dict(one))

    async def key_of(self, tenant: str, role: Role = Role.ADMIN) -> str:
        made = await self.weft.desk.create_key(local_admin(tenant), KeyOrder(role=role))
        assert made.key is not None
        return made.key

    async def run(self, run: str, tenant: str = "default") -> Any:
        return await self.weft.desk.get_run(local_admin(tenant), run)

    async def runs(self) -> Sequence[RunListItem]:
        return (await self.weft.desk.list_runs(local_admin("default"), RunListOrder())).items

    async def the_run(self) -> str:
        """The only one that was ever started, once it was."""
        async with asyncio.timeout(20):
            while not (found := await self.runs()):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        (run,) = found
        return run.id

    async def ended(self, run: str) -> Any:
        view, settled = await self.weft.desk.wait_for_run(local_admin("default"), run, 20)
        assert settled, view
        return view


@asynccontextmanager
async def open_host(folder: Path, *, has_worker: bool = True, **settings: Any) -> AsyncIterator[Host]:
    given = {"models": OFFLINE_ALIASES, "log": "error", "grace_seconds": 0.0, "api_keys": CONFIGURED, **settings}
    async with open_app(read_settings(database_url=f"sqlite:///{folder}/weft.db", **given)) as weft:
        stopping = asyncio.Event()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as `weft serve` does
        server = uvicorn.Server(uvicorn.Config(weft.rest(stopping), log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        working = asyncio.create_task(weft.worker.run() if has_worker else asyncio.sleep(0))
        try:
            yield Host(weft, f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            stopping.set()
            server.should_exit = True
            weft.worker.stop()
            await asyncio.gather(serving, working)
