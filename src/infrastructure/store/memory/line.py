"""The queue's own shape: lines of runs, one per thread or for several in sequence, of which only the first may be taken; those wait in a
heap by due time, and once they are due in one heap per tenant by turn."""

from bisect import bisect
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf

from domain.ids import Epoch, RunId, TenantId, ThreadId, WorkerId
from domain.run.terms import AT_ONCE, DELIVERIES, Terms
from infrastructure.store.bell import Bell
from infrastructure.store.memory.gates import Gates
from infrastructure.store.turns import NOBODY

UNCLAIMED = Epoch(0)
WITHDRAWN = -1


@dataclass(slots=True, eq=False)
class Place:
    """One run that is not over. `due` and `until` in seconds since the epoch; `until` is when the worker's lease runs out. `number` is the
    order of the starts."""

    run: RunId
    tenant: TenantId
    thread: ThreadId
    due: float
    number: int
    terms: Terms = AT_ONCE
    line: str = ""
    """Whose runs take turns."""
    worker: WorkerId | None = None
    epoch: Epoch = UNCLAIMED
    until: float = 0.0
    ticket: int = WITHDRAWN
    """Which entry of the heaps is this place's; older ones are void."""
    has_begun: bool = False
    deliveries: int = 0
    claimed_position: int = -1

    @property
    def turn(self) -> float:
        return self.due - self.terms.head_start


Entry = tuple[float, int, int, Place]
"""Due time or turn, the run's number, the ticket, and the place."""


@dataclass(slots=True)
class Line:
    bell: Bell = field(default_factory=Bell)
    places: dict[RunId, Place] = field(default_factory=dict)
    claimed: dict[RunId, Place] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)
    _lines: dict[str, deque[Place]] = field(default_factory=dict)
    _later: list[Entry] = field(default_factory=list)
    _ripe: dict[TenantId, list[Entry]] = field(default_factory=dict)
    _tickets: "count[int]" = field(default_factory=count)

    def join(self, run: RunId, tenant: TenantId, thread: ThreadId, due: float, terms: Terms = AT_ONCE, sequence: str | None = None) -> None:
        place = self.places[run] = Place(run, tenant, thread, due, next(self._tickets), terms, sequence or thread)
        line = self._lines.setdefault(place.line, deque())
        line.append(place)
        if line[0] is place:
            self._offer(place)

    def leave(self, place: Place) -> None:
        """The run is over: who stands behind it may be taken."""
        del self.places[place.run]
        self._withdraw(place)
        self._let_go(place)
        line = self._lines[place.line]
        line.remove(place)
        if line:
            self._offer(line[0])
        else:
            del self._lines[place.line]

    def free(self, place: Place, due: float, terms: Terms | None = None) -> None:
        """Nobody holds it; from `due` on it may be taken."""
        self._let_go(place)
        place.deliveries = min(place.deliveries, DELIVERIES)
        place.due, place.terms = due, terms or place.terms
        if self._lines[place.line][0] is place:
            self._offer(place)

    def take(self, now: float, limit: int, last: TenantId = NOBODY) -> list[Place]:
        """Up to `limit` places: those whose lease has run out, then due ones, by turns between the tenants behind `last` and before it.
        Each must be held at once."""
        over = [place for place in self.claimed.values() if place.until <= now]
        lapsed = sorted(over, key=lambda place: (place.until, place.number))[:limit]
        self._ripen(now)
        taken: list[Place] = []
        tenants = sorted(self._ripe)
        at = bisect(tenants, last)
        lines = [self._let_in(tenant, now) for tenant in tenants[at:] + tenants[:at]]
        while lines and len(lapsed) + len(taken) < limit:
            for line in tuple(lines):
                if len(lapsed) + len(taken) == limit:
                    break
                place = next(line, None)
                if place is None:
                    lines.remove(line)
                else:
                    taken.append(place)
        for line in lines:
            line.close()
        return lapsed + taken

    def hold(self, place: Place, worker: WorkerId, epoch: Epoch, until: float) -> None:
        place.worker, place.epoch, place.until, place.has_begun = worker, epoch, until, True
        self.claimed[place.run] = place

    def next_due(self, now: float) -> float | None:
        """None: only what an append frees may be taken some time."""
        self._ripen(now)
        times = [place.until for place in self.claimed.values()]
        ripe = (place for heap in self._ripe.values() for _, _, ticket, place in heap if place.ticket == ticket)
        times += [place.due for place in ripe if self._may_enter(place, now)]
        times += self.gates.windows(now)
        times += self._first_later(now)
        first = min(times, default=inf)
        return None if first == inf else first

    def _first_later(self, now: float) -> list[float]:
        """When the first that is not due yet will be, those aside that a gate keeps out."""
        if self._later and self._may_enter(self._later[0][-1], now):
            return [self._later[0][0]]
        return sorted(due for due, _, ticket, place in self._later if place.ticket == ticket and self._may_enter(place, now))[:1]

    def holder(self, thread: ThreadId) -> RunId | None:
        """The run that has the thread: it has begun, and is not over."""
        return next((place.run for place in self.places.values() if place.thread == thread and place.has_begun), None)

    def unfinished(self, thread: ThreadId, line: str) -> list[RunId]:
        """Runs of a thread, in the order of their starts."""
        return [place.run for place in self._lines.get(line, ()) if place.thread == thread]

    def may_be_taken(self, place: Place, now: float) -> bool:
        return place.until <= now if place.worker is not None else place.ticket != WITHDRAWN and place.due <= now

    def _let_in(self, tenant: TenantId, now: float) -> Generator[Place, None, None]:
        """The tenant's due places in their order; those that a gate keeps out stay where they are. What is given is counted."""
        heap, kept_out = self._ripe[tenant], []
        try:
            while heap:
                entry = heappop(heap)
                place = entry[-1]
                if place.ticket != entry[2]:
                    continue
                if not self._may_enter(place, now):
                    kept_out.append(entry)
                    continue
                self._enter(place, now)
                yield place
        finally:
            for entry in kept_out:
                heappush(heap, entry)
            if not heap:
                del self._ripe[tenant]

    def _may_enter(self, place: Place, now: float) -> bool:
        return self.gates.let_in(place.tenant, place.terms, now, has_begun=place.has_begun)

    def _enter(self, place: Place, now: float) -> None:
        self._withdraw(place)
        self.gates.enter(place.tenant, place.terms, now, has_begun=place.has_begun)

    def _let_go(self, place: Place) -> None:
        if self.claimed.pop(place.run, None) is not None:
            self.gates.leave(place.tenant, place.terms)
            self.bell.ring()
        place.worker = None

    def _ripen(self, now: float) -> None:
        """Moves what has become due to its tenant's heap, after dropping the tickets that newer ones replaced."""
        while self._later and (self._later[0][0] <= now or self._later[0][-1].ticket != self._later[0][2]):
            *_, number, ticket, place = heappop(self._later)
            if place.ticket == ticket:
                heappush(self._ripe.setdefault(place.tenant, []), (place.turn, number, ticket, place))

    def _offer(self, place: Place) -> None:
        place.ticket = next(self._tickets)
        heappush(self._later, (place.due, place.number, place.ticket, place))
        self.bell.ring()

    def _withdraw(self, place: Place) -> None:
        place.ticket = WITHDRAWN
