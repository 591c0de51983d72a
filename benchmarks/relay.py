"""What a token costs on its way from a provider to a reader: 20 streams at once, a real `weft serve` over SQLite, readers in this process.

    python -m benchmarks.relay [--rounds 3] [--quick]

In every round the libraries read the same streams alone, so that what is ours can be told from what is theirs. Figures are the CPU time of
one process, which other processes on the machine do not change much. Writes benchmarks/results/models.json and the table of
docs/benchmarks.md unless it was quick; prints the JSON. Ends with 1 when a bound is missed.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.machine import described
from benchmarks.page import PAGE, put
from benchmarks.relay_provider import WORD, tell
from benchmarks.streams import Found, text_of
from benchmarks.survive.client import connected
from tests.servers.commands import Commands, Running, commands
from tests.servers.postgres import binaries
from tests.servers.until import until

LATEST: Final = Path(__file__).parent / "results" / "models.json"
STREAMS: Final = 20
CHUNKS: Final = 400
PAUSE: Final = 0.025
MODEL: Final = "openai/gpt-4o-mini"
OURS_AT_MOST: Final = 60.0
WORKFLOW: Final[dict[str, Any]] = {
    "weft": 1,
    "name": "relay",
    "version": "1.0.0",
    "state": {"text": {}},
    "nodes": {"say": {"kind": "llm", "model": "fast", "prompt": "go on", "writes": {"text": "${output.finish_reason}"}}},
    "edges": [{"from": "start", "to": "say"}],
}
Round = dict[str, float]
"""Microseconds of CPU for a chunk, by what was measured."""


def main() -> int:
    asked = _asked()
    rounds = asyncio.run(_rounds(1 if asked.quick else asked.rounds, CHUNKS // 10 if asked.quick else CHUNKS))
    found = figures(rounds)
    report = {"machine": described(str(binaries()[0])), "rounds": len(rounds), "figures": [asdict(row) for row in found]}
    print(json.dumps(report, indent=1))
    if not asked.quick:
        LATEST.write_text(json.dumps(report, indent=1) + "\n")
        put(PAGE, "models", text_of(report["machine"], len(rounds), found))
    missed = [row.name for row in found if not row.is_met]
    for name in missed:
        print(f"missed: {name}", file=sys.stderr)
    return 1 if missed and not asked.quick else 0


def figures(rounds: Sequence[Round]) -> list[Found]:
    def each(name: str, of: Any, **bounds: float) -> Found:
        return Found(name, "µs a chunk", [round(of(one), 1) for one in rounds], **bounds)

    return [
        each("provider to reader, adapter `openai`", lambda one: one["whole openai"]),
        each("aiohttp alone, its lines parsed", lambda one: one["aiohttp"]),
        each("our own share: the first less aiohttp", lambda one: one["whole openai"] - one["aiohttp"], most=OURS_AT_MOST),
        each("of which the call of a model, with aiohttp", lambda one: one["ours"]),
        each("httpx alone, its lines parsed", lambda one: one["httpx"]),
        each("provider to reader, adapter `litellm`", lambda one: one["whole litellm"]),
        each("litellm alone", lambda one: one["litellm"]),
        each("our own share: that less litellm", lambda one: one["whole litellm"] - one["litellm"]),
    ]


async def _rounds(rounds: int, chunks: int) -> list[Round]:
    with TemporaryDirectory() as folder, commands(Path(folder) / "weft", {"PYTHONDONTWRITEBYTECODE": ""}) as started:
        port = provider(started, Path(folder), chunks)
        return [await _round(started, port, chunks, Path(folder), number) for number in range(rounds)]


def provider(started: Commands, folder: Path, chunks: int) -> int:
    """The port of one that has begun."""
    port_file, root = folder / "port", str(Path(__file__).parent.parent)
    started.module("benchmarks.relay_provider", str(port_file), str(chunks), str(PAUSE), PYTHONPATH=root)
    return int(until(lambda: port_file.exists() and port_file.read_text(), "the provider's port", 60.0))


async def _round(started: Commands, port: int, chunks: int, folder: Path, number: int) -> Round:
    found = {f"whole {adapter}": await _whole(started, port, chunks, adapter, folder / f"{number}.db") for adapter in ("openai", "litellm")}
    for which in ("aiohttp", "httpx", "ours", "litellm"):
        root = Path(__file__).parent.parent
        alone = started.module("benchmarks.relay_alone", which, str(port), str(STREAMS), PYTHONPATH=f"{root}{os.pathsep}{root / 'src'}")
        await asyncio.to_thread(alone.ended, 300.0)
        found[which] = float(alone.out.read_text().split()[-1])
    return {name: seconds / (STREAMS * chunks) * 1e6 for name, seconds in found.items()}


async def _whole(started: Commands, port: int, chunks: int, adapter: str, database: Path) -> float:
    """CPU seconds of the service while it relays."""
    serving = started.serve(**variables_of(port, adapter, database))
    took = await relayed(serving, port, chunks)
    serving.ask_to_stop()
    serving.ended()
    return took


def variables_of(port: int, adapter: str, database: Path) -> dict[str, str]:
    """Of a service whose model is at this port."""
    endpoint = {"api_base": f"http://127.0.0.1:{port}/v1", "adapter": adapter}
    models = {"WEFT_MODELS__fast": MODEL, "WEFT_MODEL_ENDPOINTS": json.dumps({MODEL: endpoint})}
    return {"WEFT_DATABASE_URL": f"sqlite:///{database}.{adapter}", **models}


async def relayed(serving: Running, port: int, chunks: int, *, samples: bool = False) -> float:
    """CPU seconds of the service from the first piece until every reader has its end. `samples`: it is told when both are."""
    async with connected(serving.url(), 1) as (client,):
        await client.publish(WORKFLOW)
        runs = [json.loads(await client.start(b'{"workflow": "relay"}'))["id"] for _ in range(STREAMS)]
        heard = _Heard()
        readers = [await _reader(serving, run, heard) for run in runs]
        await tell(port, f"/ready/{STREAMS}")
        if samples:
            serving.ask_to_stop(signal.SIGUSR1)
        began = _cpu_seconds(serving.pid)
        await tell(port, "/go")
        await asyncio.wait_for(heard.all_ended.wait(), 300.0)
        took = _cpu_seconds(serving.pid) - began
        if samples:
            serving.ask_to_stop(signal.SIGUSR2)
        if heard.words < STREAMS * chunks:
            raise RuntimeError(f"{heard.words} of {STREAMS * chunks} pieces reached their readers")
        for transport in readers:
            transport.close()
    return took


@dataclass
class _Heard:
    """By all readers together, and whether all of them have their end."""

    words: int = 0
    ends: int = 0
    all_ended: asyncio.Event = field(default_factory=asyncio.Event)


class _Reader(asyncio.Protocol):
    def __init__(self, request: bytes, heard: _Heard) -> None:
        self._request, self._heard = request, heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._heard.words += data.count(WORD.encode())
        self._heard.ends += data.count(b"event: end")
        if self._heard.ends == STREAMS:
            self._heard.all_ended.set()


async def _reader(serving: Running, run: str, heard: _Heard) -> asyncio.BaseTransport:
    host, _, port = serving.url().rpartition("/")[2].partition(":")
    request = f"GET /v1/runs/{run}/events?chunks=1 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: _Reader(request, heard), host, int(port))
    return transport


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, one round; writes nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
