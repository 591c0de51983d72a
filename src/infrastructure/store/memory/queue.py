"""The queue in memory: leases lapse by the clock, epochs rise with every claim."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from domain.ids import Epoch, WorkerId
from domain.ports.clock import Clock
from domain.ports.journal import Lease
from domain.ports.queue import Claim, QueueDepth
from domain.run.run import RunStatus
from domain.run.terms import DELIVERIES
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.line import Place
from infrastructure.store.turns import Turns


@dataclass(frozen=True, slots=True)
class MemoryQueue:
    book: Book
    clock: Clock
    turns: Turns = field(default_factory=Turns)

    async def claim(self, worker: WorkerId, limit: int, lease_seconds: float) -> Sequence[Claim]:
        now = self._now()
        taken = self.book.line.take(now, limit, self.turns.last(worker))
        claims = [self._claimed(place, worker, now + lease_seconds) for place in taken]
        self.turns.served(worker, claims)
        return claims

    async def renew(self, worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
        until = self._now() + lease_seconds
        lost = []
        for lease in leases:
            place = self._held(lease)
            if place is None or place.worker != worker:
                lost.append(lease)
            else:
                place.until = until
        return lost

    async def release(self, lease: Lease) -> None:
        place = self._held(lease)
        if place is not None:
            self.book.line.free(place, place.due)

    async def give_back(self, worker: WorkerId, held: Collection[Lease]) -> int:
        kept = {lease.run for lease in held}
        unknown = [place for run, place in self.book.line.claimed.items() if place.worker == worker and run not in kept]
        for place in unknown:
            self.book.line.free(place, place.due)
        return len(unknown)

    async def begin_last(self, lease: Lease) -> bool:
        place = self._held(lease)
        if place is not None:
            place.deliveries = DELIVERIES + 1
        return place is not None

    async def next_due(self) -> float | None:
        return self.book.line.next_due(self._now())

    async def depth(self) -> QueueDepth:
        now = self._now()
        places = self.book.line.places.values()
        waiting = [place for place in places if self.book.line.may_be_taken(place, now)]
        claimed = sum(place.worker is not None and place.until > now for place in places)
        since = min((place.until if place.worker else place.due for place in waiting), default=now)
        parked = [run for place in places if (run := self.book.runs[place.run]).status is RunStatus.PARKED]
        attention = sum(any(waiting.kind == "needs_attention" for waiting in run.waiting_for) for run in parked)
        return QueueDepth(len(waiting), claimed, len(places) - len(waiting) - claimed, now - since, attention)

    async def woken(self, timeout: float) -> None:
        await self.book.line.bell.heard(timeout)

    def _now(self) -> float:
        return self.clock.now().timestamp()

    def _held(self, lease: Lease) -> Place | None:
        place = self.book.line.claimed.get(lease.run)
        return place if place is not None and place.epoch == lease.epoch else None

    def _claimed(self, place: Place, worker: WorkerId, until: float) -> Claim:
        log, run = self.book.logs[place.thread], self.book.runs[place.run]
        log.epoch = Epoch(log.epoch + 1)
        run = self.book.runs[run.id] = replace(run.moved(RunStatus.RUNNING), started_at=run.started_at or self.clock.now())
        taken_over, position = place.worker is not None, log.end
        if place.claimed_position != position:
            place.deliveries = 1
        elif place.deliveries < DELIVERIES:
            place.deliveries += taken_over
        place.claimed_position = position
        if place.terms.debounce is not None and self.book.debounced.get(pushed := (run.tenant, place.terms.debounce)) == run.id:
            del self.book.debounced[pushed]
        self.book.line.hold(place, worker, log.epoch, until)
        return Claim(Lease(run.tenant, run.thread, run.id, log.epoch, worker), run, position, taken_over, place.deliveries)
