"""From an empty machine's point of view: a process is started, does one thing, and is over; or is ready to serve.

    python -m benchmarks.cold cold.run --repetitions 3 --scratch DIR

Ours and the peers alike, so that all are timed by the same clock. One repetition before the others warms the disk's cache.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import weft
from benchmarks.lines import Case, Order, measure
from benchmarks.ours.documents import chain
from benchmarks.peers.environments import python_of

WEFT = Path(sys.executable).parent / "weft"
OURS = f"weft {weft.__version__}"
LANGGRAPH = """
import asyncio
from importlib.metadata import version
from typing import TypedDict
from langgraph.graph import END, START, StateGraph
class State(TypedDict):
    x: int
async def add_one(state):
    return {"x": state["x"] + 1}
graph = StateGraph(State)
graph.add_node("n", add_one)
graph.add_edge(START, "n")
graph.add_edge("n", END)
assert asyncio.run(graph.compile().ainvoke({"x": 1}))["x"] == 2
print("langgraph", version("langgraph"))
"""
DBOS = """
import asyncio, sys
from importlib.metadata import version
from dbos import DBOS
@DBOS.step()
async def add_one(x):
    return x + 1
@DBOS.workflow()
async def run(x):
    return await add_one(x)
DBOS(config={"name": "cold", "system_database_url": sys.argv[1], "log_level": "ERROR"})
DBOS.launch()
assert asyncio.run(run(1)) == 2
print("dbos", version("dbos"))
"""


def say(order: Order, who: str, seconds: list[float]) -> None:
    """The memory that counts is that of the processes that were started."""
    order.say(who, seconds, peak_mib=round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1))


def again(order: Order, once: Callable[[int], object]) -> list[float]:
    """Seconds of each repetition; the first, number 0, does not count."""
    seconds = []
    for number in range(order.repetitions + 1):
        began = time.perf_counter()
        once(number)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def said_by(command: list[str | Path], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout.strip()


async def version(order: Order) -> None:
    say(order, OURS, again(order, lambda _: said_by([WEFT, "--version"], order.scratch)))


async def run(order: Order) -> None:
    """A graph of three nodes; the database is there, with the runs of the repetitions before."""
    file = _document(order.scratch)
    say(order, OURS, again(order, lambda _: _run_of_weft(file, order.scratch)))


async def first_run(order: Order) -> None:
    """The same in an empty folder: the database is made first."""

    def once(number: int) -> None:
        folder = order.scratch / f"empty{number}"
        folder.mkdir()
        _run_of_weft(file, folder)

    file = _document(order.scratch)
    say(order, OURS, again(order, once))


def _document(scratch: Path) -> Path:
    file = scratch / "three.json"
    file.write_text(json.dumps(chain(3)))
    return file


def _run_of_weft(file: Path, folder: Path) -> None:
    output = json.loads(said_by([WEFT, "run", file], folder))
    assert output == {"x": 3}, output


async def serve(order: Order) -> None:
    """From the command to the first 200 of /readyz."""
    seconds = [_seconds_to_ready(order.scratch) for _ in range(order.repetitions + 1)]
    say(order, OURS, seconds[1:])


def _seconds_to_ready(folder: Path) -> float:
    began = time.perf_counter()
    with subprocess.Popen(
        [WEFT, "serve", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=_unbuffered()
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = next(word.rstrip(";,").removeprefix("http://") for word in line.split() if word.startswith("http://"))
            assert _status_of(address, "/readyz") == 200
            return time.perf_counter() - began
        finally:
            process.terminate()


def _status_of(address: str, path: str) -> int:
    connection = HTTPConnection(address, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _unbuffered() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


async def node_of_langgraph(order: Order) -> None:
    await _node(order, python_of("lg"), LANGGRAPH)


async def node_of_dbos(order: Order) -> None:
    await _node(order, python_of("dbos"), DBOS)


async def _node(order: Order, python: Path, code: str) -> None:
    """Import, build, run one node."""
    who: list[str] = []
    url = f"sqlite:///{order.scratch.resolve() / 'cold.db'}"
    seconds = again(order, lambda _: who.append(said_by([python, "-c", code, url], order.scratch)))
    say(order, who[-1], seconds)


CASES: dict[str, Case] = {
    "cold.version": version,
    "cold.run": run,
    "cold.first_run": first_run,
    "cold.serve": serve,
    "cold.langgraph": node_of_langgraph,
    "cold.dbos": node_of_dbos,
}

if __name__ == "__main__":
    measure(CASES)
