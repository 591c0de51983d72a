"""What the port suites talk about, in words. Every tenant and thread is new, and no two things share a name."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.graph.definition import Graph
from domain.ids import ActivationPath, ContentHash, Epoch, NodeId, Position, RunId, TenantId, ThreadId, WorkerId
from domain.json import JsonObject
from domain.ports.journal import Append, Lease, Recorded
from domain.ports.queue import Claim
from domain.ports.repositories import NewRun
from domain.run.events import Event, NodeFinished, RunEnded
from domain.run.run import Run, RunStatus
from domain.thread import Thread, ThreadMetadata
from domain.usage import Money, Usage, UsageRow
from domain.workflow import WorkflowMetadata, WorkflowVersion
from infrastructure.ids import new_id
from infrastructure.store.store import Store

LONG = 60.0
"""Seconds: a lease that does not run out in a test."""
ANN, BOB = WorkerId("ann"), WorkerId("bob")
NOON = datetime(2026, 5, 4, 12, 0, 0, 125_000, tzinfo=UTC)


def a_tenant() -> TenantId:
    return TenantId(f"tenant-{new_id()}")


def a_run(tenant: TenantId | None = None, **told: Any) -> Run:
    made = Run(
        RunId(new_id()),
        tenant or a_tenant(),
        ThreadId(new_id()),
        "triage@1.0.0",
        ContentHash("c" * 64),
        {"ticket": "é ☃"},
        datetime.now(UTC),
    )
    return replace(made, **told)


def a_thread(tenant: TenantId, created_at: datetime = NOON) -> Thread:
    return Thread(
        ThreadId(new_id()), tenant, created_at, metadata=ThreadMetadata("mail", "what came in"), labels={"team": "north", "tags": ["a"]}
    )


def graph_of(document: JsonObject) -> Graph:
    """Enough of a parser for a store, which hands documents to one and does not look inside."""
    return Graph(str(document["name"]), str(document["version"]), nodes={}, edges=(), metadata={"says": document.get("says")})


def a_version(tenant: TenantId, name: str, version: str = "1.0.0", says: str = "hello") -> WorkflowVersion:
    document: JsonObject = {"weft": 1, "name": name, "version": version, "says": says}
    content = ContentHash(f"{name}|{version}|{says}".encode().hex()[-64:].rjust(64, "0"))
    metadata = WorkflowMetadata(content, name, version, f"{name} says {says}", NOON, NOON, ("a", "b"))
    return WorkflowVersion(tenant, metadata, document, graph_of(document))


def a_result(activation: str = "/a#1", **updates: Any) -> NodeFinished:
    return NodeFinished(ActivationPath(activation), updates, (NodeId("b"),), Position(0))


def usage_row(run: Run, activation: str = "/a#1", epoch: int = 1, attempt: int = 1, usage: Usage | None = None) -> UsageRow:
    used = usage or Usage("fast", 10, 5, Money(Decimal("0.000123")))
    return UsageRow(run.tenant, run.thread, run.id, run.workflow, ActivationPath(activation), 0, attempt, Epoch(epoch), used)


async def started(store: Store, run: Run | None = None) -> Run:
    """A run on a thread of its own."""
    made = run or a_run()
    await store.runs.start(NewRun(made))
    return made


async def follows(store: Store, run: Run) -> Run:
    """Another run on the same thread, started behind `run`."""
    made = replace(run, id=RunId(new_id()), created_at=run.created_at + timedelta(milliseconds=1))
    await store.runs.start(NewRun(made, opens_thread=False))
    return made


async def claimed(store: Store, worker: WorkerId = ANN, seconds: float = LONG) -> Claim:
    """The one claim that is to be had now."""
    (claim,) = await store.queue.claim(worker, 10, seconds)
    return claim


async def a_claim(store: Store, seconds: float = LONG) -> Claim:
    """A fresh run, claimed; nothing else may be waiting."""
    await started(store)
    return await claimed(store, seconds=seconds)


async def many_claims(store: Store, count: int, seconds: float = LONG) -> Sequence[Claim]:
    await asyncio.gather(*(started(store) for _ in range(count)))
    claims = await store.queue.claim(ANN, count, seconds)
    assert len(claims) == count
    return claims


async def taken_over(store: Store, worker: WorkerId = BOB, seconds: float = LONG) -> Claim:
    """The claim of a run whose lease was given for no time at all, as soon as the store's own clock has moved on."""
    async with asyncio.timeout(10):
        while not (claims := await store.queue.claim(worker, 1, seconds)):
            await store.queue.woken(0.001)
    return claims[0]


async def append(store: Store, lease: Lease, after: int, *events: Event, **beside: Any) -> Sequence[Recorded]:
    return await store.journal.append(Append(lease, Position(after), events, **beside))


async def park(store: Store, claim: Claim, until: float, **beside: Any) -> None:
    parked = replace(claim.run, status=RunStatus.PARKED)
    await append(store, claim.lease, claim.position, run=parked, release_at=until, **beside)


async def finish(store: Store, claim: Claim) -> Run:
    done = replace(claim.run, status=RunStatus.COMPLETED, output={"reply": "done"}, ended_at=datetime.now(UTC))
    await append(store, claim.lease, claim.position, RunEnded("completed", {"reply": "done"}), run=done, release_at=0.0)
    return done


def in_an_hour() -> float:
    return datetime.now(UTC).timestamp() + 3600
