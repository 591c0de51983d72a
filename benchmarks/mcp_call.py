"""What a warm call of a tool of an MCP server costs over the server's own time: ours behind the gate, and the bare client of the SDK.

python -m benchmarks.mcp_call [--calls 1000]

The server's own time is what a line takes that is written into its pipe and answered. Its tool returns at once; it is written with the SDK,
and once more without, so that what is left is the pipes and us. Ends with 1 when we take more than the bound.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

BOUND_MS: Final = 1.5
WARM: Final = 50
Call = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class NoSecrets:
    def must_be_for(self, name: str, tenant: str, host: str) -> None:
        raise AssertionError(name)

    async def get(self, name: str, tenant: str, host: str) -> str:
        raise AssertionError(name)


@dataclass(slots=True)
class Taken:
    """Milliseconds of each call, one after the other."""

    name: str
    all: list[float] = field(default_factory=list)

    def line(self, own: float) -> str:
        cuts = statistics.quantiles(self.all, n=100)
        return f"{self.name:<30} p50 {cuts[49]:7.3f} ms   p99 {cuts[98]:7.3f} ms   over the server's own time {cuts[49] - own:7.3f} ms"


def serve() -> None:
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("quick")

    @server.tool(structured_output=False)
    def echo(text: str) -> str:
        return text

    server.run("stdio")


def serve_bare() -> None:
    """A server without any library, which answers as fast as a process can."""
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        if "id" in asked:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": _result(asked)}) + "\n")
            sys.stdout.flush()


def _result(asked: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    match asked["method"]:
        case "initialize":
            said = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}}}
            return {**said, "serverInfo": {"name": "bare", "version": "1"}}
        case "tools/list":
            return {"tools": [{"name": "echo", "inputSchema": schema}]}
        case "tools/call":
            return {"content": [{"type": "text", "text": asked["params"]["arguments"]["text"]}]}
        case _:
            return {}


async def measured(name: str, call: Call, calls: int) -> Taken:
    taken = Taken(name)
    for number in range(WARM + calls):
        began = time.perf_counter()
        await call()
        if number >= WARM:
            taken.all.append((time.perf_counter() - began) * 1000)
    return taken


async def by_weft(command: list[str], calls: int) -> Taken:
    from domain.ids import DEFAULT_TENANT
    from domain.ports.tools import ToolContext
    from domain.tool import Effects
    from infrastructure.clock import SystemClock
    from infrastructure.outgoing.addresses import Addresses
    from infrastructure.schemas import JsonSchemas
    from infrastructure.store.memory.book import Book
    from infrastructure.store.memory.tools import MemoryPins
    from infrastructure.tools.catalog import TenantTools
    from infrastructure.tools.mcp.opening import Opening
    from infrastructure.tools.mcp.servers import McpServers
    from infrastructure.tools.mcp.settings import ServerPart
    from infrastructure.tools.registry import InstalledTools
    from tests.toolbox import guard_of

    clock, schemas = SystemClock(), JsonSchemas()
    part = ServerPart(command=tuple(command), effects={"*": Effects.NONE})
    opening = Opening(NoSecrets(), Addresses(), str)
    servers = McpServers({"quick": part}, opening, MemoryPins(Book(None)), schemas, clock)  # type: ignore[arg-type]
    await servers.look()
    tools = TenantTools(InstalledTools(schemas, clock), (servers,), {}, guard_of(clock))
    context = ToolContext(DEFAULT_TENANT, "key", deadline_seconds=30, caller="benchmark")

    async def call() -> None:
        result = await tools.call("quick__echo", {"text": "hello"}, context)
        assert result.output == "hello", result

    try:
        return await measured("Weft, through the gate", call, calls)
    finally:
        await servers.close()


async def by_the_sdk(command: list[str], calls: int) -> Taken:
    from mcp.client.session import ClientSession
    from mcp.client.stdio import StdioServerParameters, stdio_client

    program, *arguments = command
    async with (
        stdio_client(StdioServerParameters(command=program, args=arguments)) as streams,
        ClientSession(*streams) as session,
    ):
        await session.initialize()

        async def call() -> None:
            result = await session.call_tool("echo", {"text": "hello"})
            assert not result.is_error

        return await measured("the bare client of the SDK", call, calls)


async def over_a_pipe(command: list[str], calls: int) -> Taken:
    """The server's own time, with the pipes: a line is written, a line is read, and nothing is made of either."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    assert process.stdin is not None
    assert process.stdout is not None
    asked, said = process.stdin, process.stdout

    async def ask(number: int, method: str, params: dict[str, Any]) -> None:
        asked.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n")
        await said.readline()

    us = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "pipe", "version": "1"}}
    await ask(1, "initialize", us)
    asked.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
    try:
        return await measured(
            "the server, over its pipes", lambda: ask(2, "tools/call", {"name": "echo", "arguments": {"text": "hello"}}), calls
        )
    finally:
        asked.close()
        await process.wait()


WAYS = (over_a_pipe, by_weft, by_the_sdk)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mcp_call")
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--serve", choices=["sdk", "bare"])
    told = parser.parse_args()
    if told.serve:
        serve() if told.serve == "sdk" else serve_bare()
        return 0
    kept = [within_bound(kind, told.calls) for kind in ("sdk", "bare")]
    return 0 if all(kept) else 1


def within_bound(kind: str, calls: int) -> bool:
    command = [sys.executable, "-m", "benchmarks.mcp_call", "--serve", kind]
    takes = [asyncio.run(way(command, calls)) for way in WAYS]
    own = statistics.median(takes[0].all)
    print(f"a server {'written with the SDK' if kind == 'sdk' else 'without a library'}, {calls} calls")
    print("\n".join(taken.line(own) for taken in takes))
    return statistics.median(takes[1].all) - own <= BOUND_MS


if __name__ == "__main__":
    sys.exit(main())
