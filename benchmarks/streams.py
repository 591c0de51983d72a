"""How fast streams are, and what readers that never read cost the others. A real `weft serve` over SQLite, readers in this process.

    python -m benchmarks.streams [--rounds 3] [--quick]

Beside it in every round stands a FastAPI application that sends one message again and again. Writes benchmarks/results/streams.json and the
table of docs/benchmarks.md unless it was quick; prints the JSON. Ends with 1 when a bound is missed.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.crowd import Crowd, beside
from benchmarks.machine import described
from benchmarks.ours.documents import loop
from benchmarks.page import PAGE, put, table
from benchmarks.stream_clients import socket_seconds
from benchmarks.survive.client import Connection, connected
from tests.servers.commands import Commands, Running, commands
from tests.servers.postgres import binaries
from tests.servers.until import until

LATEST: Final = Path(__file__).parent / "results" / "streams.json"
EVENTS: Final = 20_000
READERS, EACH = 50, 1_000
CROWD: Final = 500


@dataclass(frozen=True)
class Found:
    """`values`: one a round. `least`, `most`: the bound of their median, where there is one."""

    name: str
    unit: str
    values: Sequence[float]
    least: float | None = None
    most: float | None = None

    @property
    def is_met(self) -> bool:
        middle = median(self.values)
        return (self.least is None or middle >= self.least) and (self.most is None or middle <= self.most)

    @property
    def demanded(self) -> str:
        return f"≥ {self.least:,g}" if self.least is not None else "" if self.most is None else f"≤ {self.most:g}"


@dataclass(frozen=True)
class Round:
    one: float
    fifty: float
    bare_one: float
    bare_fifty: float
    crowd: Crowd


def main() -> int:
    asked = _asked()
    scale = 10 if asked.quick else 1
    rounds = asyncio.run(_rounds(asked.rounds, scale))
    found = figures(rounds)
    report = {"machine": described(str(binaries()[0])), "rounds": asked.rounds, "figures": [asdict(row) for row in found]}
    print(json.dumps(report, indent=1))
    if not asked.quick:
        LATEST.write_text(json.dumps(report, indent=1) + "\n")
        put(PAGE, "streams", text_of(report["machine"], asked.rounds, found))
    missed = [row.name for row in found if not row.is_met]
    for name in missed:
        print(f"missed: {name}", file=sys.stderr)
    return 1 if missed and not asked.quick else 0


def figures(rounds: Sequence[Round]) -> list[Found]:
    def each(name: str, unit: str, of: Any, **bounds: float) -> Found:
        return Found(name, unit, [round(of(one), 3) for one in rounds], **bounds)

    return [
        each(f"{EVENTS:,} rows to one WebSocket", "messages/s", lambda one: one.one, least=10_000),
        each("the same by the bare application", "messages/s", lambda one: one.bare_one),
        each(f"{READERS} WebSockets of {EACH:,} rows each", "messages/s", lambda one: one.fifty, least=10_000),
        each("the same by the bare application", "messages/s", lambda one: one.bare_fifty),
        each(f"{CROWD} SSE readers: 99 of 100 have a row after", "ms", lambda one: one.crowd.calm_ms),
        each(f"the same beside {CROWD} that never read", "ms", lambda one: one.crowd.jammed_ms),
        each("the second over the first", "times", lambda one: one.crowd.jammed_ms / one.crowd.calm_ms, most=2.0),
        each("memory of the service for one that never reads", "KiB", lambda one: one.crowd.kib_each, most=1024),
        each("what it grows by while the others read on", "KiB", lambda one: one.crowd.kib_growth, most=128),
    ]


def text_of(machine: dict[str, Any], rounds: int, found: Sequence[Found]) -> str:
    """The part of the page between the markers."""
    where = f"{machine['date']}, rounds: {rounds}. {machine['cores']} cores of {machine['processor']}, SQLite {machine['sqlite']}."
    rows = [(row.name, row.unit, _with_spread(row.values), row.demanded) for row in found]
    return f"{where}\n\n{table(('stream', 'unit', 'median (least to most)', 'demanded'), rows)}"


def _with_spread(values: Sequence[float]) -> str:
    shown = [f"{value:,.0f}" if value >= 100 else f"{value:.2f}" for value in (median(values), min(values), max(values))]
    return f"**{shown[0]}** ({shown[1]} to {shown[2]})"


async def _rounds(rounds: int, scale: int) -> list[Round]:
    with TemporaryDirectory() as folder:
        variables = {"WEFT_DATABASE_URL": f"sqlite:///{folder}/weft.db", "PYTHONDONTWRITEBYTECODE": ""}
        with commands(Path(folder) / "weft", variables) as started:
            bare = _bare(started, Path(folder) / "port")
            async with _served(started) as (client, _):
                long, short = [await _thread_of(client, rows // scale) for rows in (EVENTS, EACH)]
            return [await _round(started, bare, long, short, scale) for _ in range(rounds)]


@asynccontextmanager
async def _served(started: Commands) -> AsyncIterator[tuple[Connection, Running]]:
    """A service of its own, so that its memory is no earlier one's."""
    serving = started.serve()
    async with connected(serving.url(), 1) as (client,):
        yield client, serving
    serving.ask_to_stop()
    serving.ended()


async def _round(started: Commands, bare: int, long: str, short: str, scale: int) -> Round:
    async with _served(started) as (client, serving):
        return await _measured(client, serving, bare, long, short, scale)


async def _measured(client: Connection, serving: Running, bare: int, long: str, short: str, scale: int) -> Round:
    """Ours and the floor next to each other."""
    events, each = EVENTS // scale, EACH // scale
    port = int(serving.url().rpartition(":")[2])
    return Round(
        one=events / await _last_of(1, port, f"/v1/threads/{long}/events", events),
        bare_one=events / await _last_of(1, bare, f"/?count={events}", events),
        fifty=READERS * each / await _last_of(READERS, port, f"/v1/threads/{short}/events", each),
        bare_fifty=READERS * each / await _last_of(READERS, bare, f"/?count={each}", each),
        crowd=await beside(client, port, serving.pid, CROWD // scale),
    )


async def _last_of(readers: int, port: int, path: str, messages: int) -> float:
    """Seconds until the last reader has everything."""
    return max(await asyncio.gather(*(socket_seconds("127.0.0.1", port, path, messages) for _ in range(readers))))


async def _thread_of(client: Connection, rows: int) -> str:
    """A thread with one run that has so many rows."""
    document = {**loop(rows - 2), "limits": {"steps": rows, "visits": rows}}
    await client.start(json.dumps({"workflow": document}).encode())
    while (run := await _newest_run(client))["ended_at"] is None:  # noqa: ASYNC110 - nobody tells this client
        await asyncio.sleep(0.1)
    if run["status"] != "completed":
        raise RuntimeError(f"the run {run['status']}: {run['error']}")
    return str(run["thread_id"])


async def _newest_run(client: Connection) -> dict[str, Any]:
    _, answer = await client.ask("GET", "/v1/runs?limit=1")
    newest: dict[str, Any] = json.loads(answer)["items"][0]
    return newest


def _bare(started: Commands, port_file: Path) -> int:
    started.module("benchmarks.bare_socket", str(port_file), PYTHONPATH=str(Path(__file__).parent.parent))
    until(lambda: port_file.exists() and port_file.read_text(), "the bare application's port", 60.0)
    return int(port_file.read_text())


def _asked(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, one look; writes nothing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
