"""When the next call may go to a provider that allows so many requests and tokens in a window of time.

A lane is what callers of one key stand in: first come, first served. Each takes the earliest moment at which it breaks no limit, in one
step, and waits for it by itself: nobody has to ask again, whichever process asks. Times are seconds since the epoch.
"""

from dataclasses import dataclass, replace
from typing import Final

MARGIN: Final = 0.02
"""Of the window: a call that left later than its turn, and one behind it that was quicker, still are a window apart at the provider."""
GRAIN: Final = 0.01
"""Of the window: turns so close together are remembered as one."""
TRICKLE: Final = 10
"""After a pause so many go in as long a time: whoever asked for it may not be ready for all who wait."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What goes in a window of `seconds`; None: any number."""

    requests: int | None = None
    tokens: int | None = None
    seconds: float = 60.0

    @property
    def is_free(self) -> bool:
        return self.requests is None and self.tokens is None

    def holds(self, requests: int, tokens: int) -> bool:
        return (self.requests is None or requests <= self.requests) and (self.tokens is None or tokens <= self.tokens)


@dataclass(frozen=True, slots=True)
class Slot:
    """Turns between two moments."""

    begins: float
    ends: float
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Lane:
    """`slots` ascending, those to come included. `pauses`: how often it was paused; who was given a turn before takes another."""

    slots: tuple[Slot, ...] = ()
    paused_until: float = 0.0
    trickles_until: float = 0.0
    pauses: int = 0

    def turn(self, rates: Rates, tokens: int, now: float) -> tuple[float, "Lane"]:
        """The earliest moment for a call of so many tokens, and the lane with it. A call that alone is over the limit goes alone."""
        window = rates.seconds * (1 + MARGIN)
        at, slots = self._earliest(now), [slot for slot in self.slots if slot.ends > now - window]
        requests, used = sum(slot.requests for slot in slots), sum(slot.tokens for slot in slots)
        for slot in slots:
            fits = rates.holds(requests + 1, used + tokens)
            if fits and slot.ends > at - window:
                break
            at = at if fits else max(at, slot.ends + window)
            requests, used = requests - slot.requests, used - slot.tokens
        return at, replace(self, slots=_with(slots, at, tokens, rates.seconds * GRAIN))

    def settled(self, at: float, difference: int) -> "Lane":
        """A call whose turn was then used so many tokens more than it was given, or less."""
        slots = list(self.slots)
        for number, slot in enumerate(slots):
            if slot.begins <= at <= slot.ends:
                slots[number] = replace(slot, tokens=max(slot.tokens + difference, 0))
                break
        return replace(self, slots=tuple(slots))

    def paused(self, now: float, seconds: float) -> "Lane":
        """Nobody goes for so long, then a few. Turns to come are void."""
        until = max(now + seconds, self.paused_until)
        gone = tuple(slot for slot in self.slots if slot.begins <= now)
        return Lane(gone, until, until + seconds, self.pauses + 1)

    def in_use(self, now: float, seconds: float) -> tuple[int, int]:
        """Requests and tokens of the window that ends now."""
        slots = [slot for slot in self.slots if now - seconds < slot.ends <= now]
        return sum(slot.requests for slot in slots), sum(slot.tokens for slot in slots)

    def _earliest(self, now: float) -> float:
        """Behind those who came before; after a pause with a gap between, until nobody waits any more."""
        last = self.slots[-1].ends if self.slots else 0.0
        at = max(now, self.paused_until)
        gap = (self.trickles_until - self.paused_until) / TRICKLE
        trickles = self.paused_until <= last and (last < self.trickles_until or last > now)
        return max(at, last + gap) if trickles else at


def _with(slots: list[Slot], at: float, tokens: int, grain: float) -> tuple[Slot, ...]:
    last = slots[-1] if slots else None
    if last is None or at - last.begins > grain:
        return (*slots, Slot(at, at, 1, tokens))
    return (*slots[:-1], Slot(last.begins, at, last.requests + 1, last.tokens + tokens))
