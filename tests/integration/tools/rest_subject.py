"""Tools behind a URL, over real connections to a server on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from domain.json import Json
from domain.tool import ToolType
from infrastructure.clock import SystemClock
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.outgoing.door import Door
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.catalog import TenantTools
from infrastructure.tools.described import Described
from infrastructure.tools.registry import InstalledTools
from infrastructure.tools.rest.calls import RestTools
from tests.integration.tools.subject import MOST_BYTES, Subject, Trail
from tests.toolbox import guard_of
from tests.unit.infrastructure.rest.asking import KnownSecrets


@dataclass
class Service:
    """The behaviours as an HTTP service: `/echo?text=`, `/fail` and so on."""

    seen: list[str] = field(default_factory=list)

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            asked = urlsplit(head[0].split(" ")[1])
            given = {name: values[0] for name, values in parse_qs(asked.query).items()}
            status, answer = await self.does(asked.path.strip("/"), given, headers, reader)
            body = json.dumps(answer).encode()
            told = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(f"HTTP/1.1 {status} So\r\n{told}".encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def does(self, what: str, given: Mapping[str, str], headers: Mapping[str, str], reader: asyncio.StreamReader) -> tuple[int, Json]:
        match what:
            case "echo":
                return 200, {"text": given["text"]}
            case "fail":
                return 404, {"text": "no \x1b[31mluck"}
            case "wait":
                self.seen.append("began")
                await reader.read()
                self.seen.append("stopped")
            case "long":
                return 200, {"text": "x" * int(given["size"])}
            case "steps":
                return 200, {"items": [given.get("page", "1")], "next": None if "page" in given else "2"}
            case "about":
                return 200, {"text": json.dumps({"key": headers.get("idempotency-key"), "trace": headers.get("traceparent")})}
            case "act":
                self.seen.append("acted")
        return 200, {"text": what}


def documents(address: str) -> list[dict[str, Any]]:
    def one(name: str, config: Mapping[str, Any], effects: str = "none", **more: Any) -> dict[str, Any]:
        whole = {"url": f"http://{address}/{name}", **config}
        described = {"name": name, "type": "rest", "description": f"The behaviour {name}.", "effects": effects}
        return {**described, "parameters": _taking(), **more, "config": whole}

    pages = {"items": "items", "next": {"cursor": "next", "query": "page"}}
    return [
        one("echo", {"query": {"text": "${arguments.text}"}}, parameters=_taking(text="string")),
        one("fail", {}),
        one("wait", {}),
        one(
            "long",
            {"query": {"size": "${arguments.size}"}, "max_bytes": 16 * 1024 * 1024},
            parameters=_taking(size="integer"),
            limits={"output_bytes": MOST_BYTES},
        ),
        one("steps", {"pagination": pages}),
        one("about", {"idempotency_header": "Idempotency-Key"}),
        one("act", {"method": "POST"}, effects="once"),
    ]


def _taking(**types: str) -> dict[str, Any]:
    named = {name: {"type": kind} for name, kind in types.items()}
    return {"type": "object", "properties": named, "required": list(types), "additionalProperties": False}


@asynccontextmanager
async def opened(place: Path) -> AsyncIterator[Subject]:
    service, trail, clock = Service(), Trail(), SystemClock()
    server = await asyncio.start_server(service.meet, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    addresses = Addresses(Allowed(names=(address,)))
    described = Described(JsonSchemas(), {ToolType.REST: RestTools(Door(addresses), addresses, KnownSecrets(), clock)})
    own: dict[str, CheckedTool] = {one["name"]: described.checked(one) for one in documents(address)}
    tools = TenantTools(InstalledTools(JsonSchemas(), clock), (), own, guard_of(clock, trail=trail))
    told: Callable[[Any], str] = lambda output: output["text"] if "text" in output else str(output)  # noqa: E731
    try:
        yield Subject(
            ToolType.REST, tools, trail, lambda: service.seen, "http_404", told=told, is_stopped=lambda: "stopped" in service.seen
        )
    finally:
        server.close()
