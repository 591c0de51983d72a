"""A worker played by hand: what it says of a run becomes durable exactly as a real one's would, without a graph being executed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.errors import Failure
from domain.ids import ActivationPath, Position, WorkerId
from domain.json import Json
from domain.ports.feed import Feed, Passing
from domain.ports.journal import Append
from domain.ports.queue import Claim
from domain.run.events import Event, NodeFinished, RunEnded, RunStarted
from domain.run.run import Run, RunStatus, Waiting
from infrastructure.store.store import Store

ME = WorkerId("by-hand")


@dataclass(slots=True)
class HandWorker:
    """Holds one run. `feed` is told of every append, unless it is said to be another process's."""

    store: Store
    feed: Feed
    claim: Claim

    @property
    def run(self) -> Run:
        return self.claim.run

    async def append(self, *events: Event, run: Run | None = None, release_at: float | None = None, heard: bool = True) -> None:
        lease = self.claim.lease
        after = await self.store.journal.end(lease.tenant, lease.thread)
        rows = await self.store.journal.append(Append(lease, after, events, run=run, release_at=release_at))
        if heard:
            self.feed.publish(rows)

    async def begin(self, *, heard: bool = True) -> None:
        await self.append(RunStarted(self.run.id, self.run.workflow_hash, self.run.input, self.run.created_at.timestamp()), heard=heard)

    async def step(self, number: int, *, heard: bool = True, text: str = "") -> None:
        updates = {"text": text} if text else {}
        await self.append(NodeFinished(ActivationPath(f"/work#{number}"), updates, (), Position(0), seconds=0.5), heard=heard)

    def say(self, text: str) -> None:
        self.feed.pass_by(Passing(self.run.id, "text", "/work#1", text))

    async def park(self, waiting_for: str) -> None:
        parked = replace(self.run, status=RunStatus.PARKED, waiting_for=(Waiting("/work#1", waiting_for, 1e10),))
        await self.append(run=parked, release_at=1e10)
        self.claim = replace(self.claim, run=parked)

    async def end(self, output: Json = None, failure: Failure | None = None, *, heard: bool = True) -> None:
        status = RunStatus.FAILED if failure else RunStatus.COMPLETED
        ended = replace(self.run, status=status, output=output, failure=failure, ended_at=self.run.created_at)
        await self.append(RunEnded(status.value, output, failure), run=ended, release_at=0.0, heard=heard)


async def take(store: Store, feed: Feed) -> HandWorker:
    """Claim the one run that waits."""
    claims: Sequence[Claim] = await store.queue.claim(ME, 1, 30.0)
    return HandWorker(store, feed, claims[0])
