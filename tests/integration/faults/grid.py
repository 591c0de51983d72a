"""The grid of crash points: every named point, in the middle of a run of every kind of node, and then another worker goes on."""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.integration.faults.arming import OF_THE_API
from tests.integration.faults.checker import check, visits_of
from tests.integration.faults.cluster import Cluster, running_cluster
from tests.integration.faults.evidence import gather
from tests.integration.faults.load import asks, document, edge, tool
from tests.integration.faults.operator import Operator
from tests.servers import web
from tests.servers.commands import Running
from tests.servers.until import until

LEASE = {"WEFT_LEASE_SECONDS": "1"}
INNER = {"kind": "tool", "tool": "put", "arguments": {"seen": "${[string(input.item)]}"}, "writes": {"note": "${output.answer}"}}
ITEMS = {"state": {"note": {"type": "string", "default": ""}}, "nodes": {"one": INNER}, "edges": [edge("start", "one")]}
KINDS: dict[str, dict[str, Any]] = {
    "transform": {"kind": "transform", "writes": {"b2": "${'b2.' + state.open}"}},
    "llm": asks("ask", "middle"),
    "tool": tool("look", "ask"),
    "once": tool("pay", "ask"),
    "map": {"kind": "map", "over": "${[1, 2, 3]}", "graph": ITEMS},
    "workflow": {"kind": "workflow", "workflow": "grid-tool@1.0.0", "input": {"account": "${state.open}"}},
    "wait": {"kind": "wait", "signal": "go"},
    "human": {"kind": "human", "show": "${state.open}", "schema": {"type": "boolean"}},
    "terminate": {"kind": "terminate", "status": "completed", "output": {"done": "${state.open}"}},
}
"""What stands between an `open` and a `close`."""
ONLY = {
    "model": ("llm",),
    "reserve": ("llm",),
    "park": ("wait", "human"),
    "wish": ("wait", "human"),
    "answer": ("human",),
    "intent": ("once",),
}
"""Points that some kinds alone pass, by what their names begin with."""
OFTEN = ("append", "effect", "result")
"""Points that every run passes several times."""


@dataclass(slots=True)
class Grid:
    """`rescue` waits, stopped, until the armed process is dead. `struck`: cells in which the point was reached."""

    cluster: Cluster
    rescue: Running
    struck: list[tuple[str, str]] = field(default_factory=list)
    played: list[tuple[str, str]] = field(default_factory=list)
    runs: dict[str, str] = field(default_factory=dict)
    """Run -> its kind."""
    beside: Running | None = None
    """Works while an API is armed, and no longer: it would take the runs of workers that are armed later."""

    @staticmethod
    def passes(point: str, chance: random.Random) -> int:
        return chance.randint(1, 2) if point.startswith(OFTEN) else 1

    @staticmethod
    def reaches(point: str, kind: str) -> bool:
        return kind in ONLY.get(point.partition(".")[0], KINDS)

    def play(self, point: str, kind: str, passes: int) -> None:
        """One cell: arms a process, runs, and lets another worker end what it left."""
        self.rescue.ask_to_stop(signal.SIGSTOP)
        armed = self._arm(point, passes)
        run = self._start(kind, f"{point}-{kind}-{len(self.played)}")
        self.runs[run] = kind
        until(lambda: self._leads_nowhere(armed, run, point), f"{point} or the end of the {kind} run", 30)
        if armed.is_alive and point in OF_THE_API:
            self.cluster.restart_api(self._port, signal.SIGKILL)
        self.cluster.killed.add(armed.pid)
        if point not in OF_THE_API:
            armed.kill()
        elif self.beside is not None:
            self.cluster.kill(self.beside)
        self.rescue.ask_to_stop(signal.SIGCONT)
        until(lambda: self._is_over(run), f"the end of the {kind} run after {point}", 60)
        self.played.append((point, kind))
        if (self.cluster.folder / f"struck-{point}-{armed.pid}").exists():
            self.struck.append((point, kind))

    def check(self) -> None:
        """Every promise holds, and every run came to what a run of its kind comes to."""
        seen = gather(self.cluster)
        check(seen)
        for run, kind in self.runs.items():
            assert seen.runs[run] == "completed", f"a {kind} run {seen.runs[run]}: {seen.outcomes[run]['failure']}"
            assert visits_of(seen, run) == expected_visits(kind), f"a {kind} run visited {visits_of(seen, run)}"

    @property
    def _port(self) -> int:
        return next(iter(self.cluster.apis))

    def _arm(self, point: str, passes: int) -> Running:
        arms = {"FAULT_ARMS": f"checkpoints.often,{point}:{passes}"}
        if point in OF_THE_API:
            armed = self.beside = self.cluster.worker(**LEASE)
            self.cluster.restart_api(self._port, signal.SIGKILL, FAULT_ARMS=f"{point}:1")
        else:
            armed = self.cluster.worker(**LEASE, **arms, WEFT_GRACE_SECONDS="0")
        until(lambda: armed.log("worker started") or not armed.is_alive, "an armed worker", 60)
        return self.cluster.apis[self._port] if point in OF_THE_API else armed

    def _start(self, kind: str, key: str) -> str:
        """As a client does that asks again when it hears nothing."""
        order = {"workflow": f"grid-{kind}", "input": {"account": key}}
        answer = self._asked("/v1/runs", order, {"Idempotency-Key": key})
        return str(answer["id"])

    def _asked(self, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        for _ in range(3):
            try:
                answer = web.post(self.cluster.urls[0] + path, json=body, headers=headers, timeout=30)
            except httpx.TransportError:
                self.cluster.restart_api(self._port, signal.SIGKILL)
                continue
            # An answer that was lost may have done its work: then there is nothing left to ask for.
            assert answer.is_success or answer.status_code == httpx.codes.CONFLICT, answer.text
            found: dict[str, Any] = answer.json()
            return found
        raise AssertionError(f"nobody answers {path}")

    def _look(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = web.get(f"{self.cluster.urls[0]}/v1/runs/{run}", timeout=30).raise_for_status().json()
        return found

    def _leads_nowhere(self, armed: Running, run: str, point: str) -> bool:
        """It is dead, or passed by the point."""
        if not armed.is_alive:
            return True
        if point.startswith("release.") and any(call.run == run for call in self.cluster.ledger.calls()):
            armed.ask_to_stop()
            armed.ended(30)
            return True
        return self._is_over(run)

    def _is_over(self, run: str) -> bool:
        """Gives it what it waits for: a signal, an answer, a decision."""
        found = self._look(run)
        kinds = {what["kind"] for what in found["waiting_for"]}
        if "signal" in kinds:
            self._asked(f"/v1/runs/{run}/signals/go", {}, {"Idempotency-Key": f"{run}-go"})
        if "human" in kinds:
            self._asked(f"/v1/runs/{run}/answers", {"activation": "/middle#1", "answer": True}, {"Idempotency-Key": f"{run}-yes"})
        if "needs_attention" in kinds:
            Operator(self.cluster).decide_all()
        if found["ended_at"] is None:
            time.sleep(0.05)
        return found["ended_at"] is not None


def expected_visits(kind: str) -> list[str]:
    """Of a run that no fault met."""
    inner = {"map": ["one"] * 3, "workflow": ["open", "middle", "close"]}.get(kind, [])
    return sorted(["open", *([] if kind == "terminate" else ["middle", "close"]), *inner])


def middle(kind: str) -> dict[str, Any]:
    nodes = {"open": tool("put", "open"), "middle": KINDS[kind], "close": tool("put", "close")}
    edges = [edge("start", "open"), edge("open", "middle"), edge("middle", "close")]
    if kind == "terminate":
        del nodes["close"], edges[-1]
    return document(f"grid-{kind}", nodes, edges)


@contextmanager
def open_grid(folder: Path) -> Iterator[Grid]:
    with running_cluster(folder, hold_seconds=0.4) as cluster:
        cluster.start(apis=1, workers=1, **LEASE)
        for kind in ("tool", *KINDS):
            cluster.publish(middle(kind))
        yield Grid(cluster, cluster.workers[0])
