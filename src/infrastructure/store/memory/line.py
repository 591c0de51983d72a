"""The queue's own shape: a line of runs per thread, of which only the first may be taken, and a heap of those firsts by due time."""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf

from domain.ids import Epoch, RunId, ThreadId, WorkerId
from infrastructure.store.bell import Bell

UNCLAIMED = Epoch(0)
WITHDRAWN = -1


@dataclass(slots=True, eq=False)
class Place:
    """One run that is not over. `due` and `until` in seconds since the epoch; `until` is when the worker's lease runs out."""

    run: RunId
    thread: ThreadId
    due: float
    worker: WorkerId | None = None
    epoch: Epoch = UNCLAIMED
    until: float = 0.0
    ticket: int = WITHDRAWN
    """Which entry of the heap is this place's; older ones are void."""


@dataclass(slots=True)
class Line:
    bell: Bell = field(default_factory=Bell)
    places: dict[RunId, Place] = field(default_factory=dict)
    claimed: dict[RunId, Place] = field(default_factory=dict)
    _threads: dict[ThreadId, deque[Place]] = field(default_factory=dict)
    _free: list[tuple[float, int, Place]] = field(default_factory=list)
    _tickets: "count[int]" = field(default_factory=count)

    def join(self, run: RunId, thread: ThreadId, due: float) -> None:
        place = self.places[run] = Place(run, thread, due)
        line = self._threads.setdefault(thread, deque())
        line.append(place)
        if line[0] is place:
            self._offer(place)

    def leave(self, place: Place) -> None:
        """The run is over: who stands behind it may be taken."""
        del self.places[place.run]
        self._withdraw(place)
        self.claimed.pop(place.run, None)
        line = self._threads[place.thread]
        line.remove(place)
        if line:
            self._offer(line[0])
        else:
            del self._threads[place.thread]

    def free(self, place: Place, due: float) -> None:
        """Nobody holds it; from `due` on it may be taken."""
        self.claimed.pop(place.run, None)
        place.worker, place.due = None, due
        if self._threads[place.thread][0] is place:
            self._offer(place)

    def take(self, now: float, limit: int) -> list[Place]:
        """Up to `limit` places that are due or whose lease has run out, oldest first. They are out of the heap: hold them."""
        ripe = [(place.until, place) for place in self.claimed.values() if place.until <= now]
        for _ in range(limit):
            if (place := self._first(now)) is None:
                break
            self._withdraw(place)
            ripe.append((place.due, place))
        ripe.sort(key=lambda entry: entry[0])
        for _, place in ripe[limit:]:
            if place.worker is None:
                self._offer(place)
        return [place for _, place in ripe[:limit]]

    def hold(self, place: Place, worker: WorkerId, epoch: Epoch, until: float) -> None:
        place.worker, place.epoch, place.until = worker, epoch, until
        self.claimed[place.run] = place

    def next_due(self) -> float | None:
        times = [place.until for place in self.claimed.values()]
        if (first := self._first(inf)) is not None:
            times.append(first.due)
        return min(times, default=None)

    def may_be_taken(self, place: Place, now: float) -> bool:
        return place.until <= now if place.worker is not None else place.ticket != WITHDRAWN and place.due <= now

    def _first(self, now: float) -> Place | None:
        """The earliest free place that is due, after dropping the tickets that newer ones replaced."""
        while self._free and self._free[0][0] <= now:
            _, ticket, place = self._free[0]
            if place.ticket == ticket:
                return place
            heappop(self._free)
        return None

    def _offer(self, place: Place) -> None:
        place.ticket = next(self._tickets)
        heappush(self._free, (place.due, place.ticket, place))
        self.bell.ring()

    def _withdraw(self, place: Place) -> None:
        place.ticket = WITHDRAWN
