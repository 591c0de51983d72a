"""Many readers of one thread, and as many beside them that never read."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.stream_clients import EventReader, never_reading
from benchmarks.survive.client import Connection

ROWS: Final = 40
"""How many rows are appended, one after the other, while the readers read."""
MARKER: Final = b"event: state_edited"
HEAVY: Final = "x" * 50_000
BACKLOG: Final = 200
"""Heavy rows before all that, so that who never reads has his connection full from the start."""


@dataclass(frozen=True)
class Crowd:
    """`calm_ms`, `jammed_ms`: what 99 of 100 deliveries stay below, without and with those who never read. `kib_each`: what one of these
    costs the service's memory; `kib_growth`: what it grows by, for each of them, while the others read on."""

    calm_ms: float
    jammed_ms: float
    kib_each: float
    kib_growth: float


@dataclass
class Ears:
    """All readers: how long after its request each row was heard by each."""

    readers: int
    asked_at: float = 0.0
    waits: list[float] = field(default_factory=list)
    heard: int = 0
    all_heard: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        self.heard = 0
        self.all_heard.clear()
        self.asked_at = time.perf_counter()

    def hear(self, rows: int, now: float) -> None:
        self.waits.extend([now - self.asked_at] * rows)
        self.heard += rows
        if self.heard >= self.readers:
            self.all_heard.set()

    def p99_ms(self) -> float:
        waits, self.waits = sorted(self.waits), []
        return waits[len(waits) * 99 // 100] * 1000


async def beside(client: Connection, port: int, pid: int, count: int) -> Crowd:
    thread = await _thread(client)
    end = 0
    for number in range(BACKLOG):
        end = await _edit(client, thread, {"x": number, "heavy": HEAVY + str(number)})
    async with _reading(port, thread, end, count) as ears:
        await _append(client, thread, ears, 5)
        ears.waits.clear()
        calm = await _append(client, thread, ears, ROWS)
        before = _kib(pid)
        silent = [await never_reading("127.0.0.1", port, _request(port, thread, 0)) for _ in range(count)]
        await _settled(client, pid)
        jammed_from = _kib(pid)
        jammed = await _append(client, thread, ears, ROWS)
        crowd = Crowd(calm, jammed, (jammed_from - before) / count, (_kib(pid) - jammed_from) / count)
    for connection in silent:
        connection.close()
    return crowd


@asynccontextmanager
async def _reading(port: int, thread: str, after: int, count: int) -> AsyncIterator[Ears]:
    ears = Ears(count)
    request, going = _request(port, thread, after), asyncio.get_running_loop()
    opened = [await going.create_connection(lambda: EventReader(request, MARKER, ears.hear), "127.0.0.1", port) for _ in range(count)]
    try:
        yield ears
    finally:
        for transport, _ in opened:
            transport.close()


async def _append(client: Connection, thread: str, ears: Ears, rows: int) -> float:
    """One row after the other, each when all have heard the one before, with pauses of any length between."""
    for number in range(rows):
        await asyncio.sleep(random.uniform(0.02, 0.06))
        ears.ask()
        await _edit(client, thread, {"x": -number - 1 - random.random()})
        async with asyncio.timeout(60):
            await ears.all_heard.wait()
    return ears.p99_ms()


async def _settled(client: Connection, pid: int) -> None:
    """Returns when the service has nothing to do any more: what fits into its connections has been written. A machine that is busy
    otherwise also keeps it from working, so it must answer at once too."""
    quiet = 0
    while quiet < 10:
        before = _ticks(pid)
        await asyncio.sleep(0.2)
        asked_at = time.perf_counter()
        await client.ask("GET", "/livez")
        quiet = quiet + 1 if _ticks(pid) - before <= 3 and time.perf_counter() - asked_at < 0.05 else 0


async def _thread(client: Connection) -> str:
    status, answer = await client.ask("POST", "/v1/threads", b"{}")
    assert status == 201, answer.decode()
    return str(json.loads(answer)["id"])


async def _edit(client: Connection, thread: str, values: dict[str, object]) -> int:
    """The position of the new row."""
    status, answer = await client.ask("PATCH", f"/v1/threads/{thread}/state", json.dumps({"values": values}).encode())
    assert status == 200, answer.decode()
    return int(json.loads(answer)["position"])


def _request(port: int, thread: str, after: int) -> bytes:
    return f"GET /v1/threads/{thread}/events?after={after}&chunks=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def _kib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return float(status.partition("VmRSS:")[2].split()[0])


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
