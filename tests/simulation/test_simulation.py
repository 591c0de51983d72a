"""The engine, queue and worker of production on simulated time, a store that is not always heard, and workers that die: a seed is one
afternoon. `make simulate` plays thousands; `python -m tests.simulation --seed N` plays one again."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

from application import appending, deadlines
from domain.ports.journal import Append, Journal
from domain.ports.repositories import IdempotencyMark
from infrastructure.store.memory.journal import MemoryJournal
from infrastructure.store.memory.log import Log
from infrastructure.store.memory.marks import MemoryMarks
from infrastructure.store.memory.queue import MemoryQueue
from infrastructure.store.memory.shelves import MemoryUsage
from tests.simulation import play as simulated
from tests.simulation.checker import problems
from tests.simulation.play import afternoon

BATCHES, IN_A_BATCH = 10, 30
LEAST_PLACES = 40
WORST = 0.12
MOST_TRIES = 400
"""Seeds that a removed guard may get away with."""


@dataclass(frozen=True, slots=True)
class Played:
    struck: Counter[str]
    calls: object
    problems: list[str]


def play(seed: int) -> Played:
    found = afternoon(seed)
    return Played(found.chaos.struck, found.world.calls, asyncio.run(problems(found)))


played = cache(play)
"""For tests that take nothing away: an afternoon is the same for all of them, so nobody plays it twice."""


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whatever_strikes_every_promise_is_kept(batch: int) -> None:
    broken = {seed: wrong for seed in range(batch * IN_A_BATCH, (batch + 1) * IN_A_BATCH) if (wrong := played(seed).problems)}

    assert broken == {}


def test_faults_strike_in_many_places() -> None:
    struck: Counter[str] = Counter()
    for seed in range(150):
        struck.update(played(seed).struck)

    assert len(struck) >= LEAST_PLACES, sorted(struck)


def test_people_answer_and_come_too_late() -> None:
    """Else the promises about answers would be kept by nobody asking."""
    told: Counter[str] = Counter()
    for seed in range(60):
        told.update({what: times for what, times in played(seed).struck.items() if what.startswith("people")})

    assert min(told[f"people: {what}"] for what in ("answer taken", "answer refused", "several at once")) >= 10, told


def test_an_afternoon_can_be_played_again() -> None:
    assert play(7) == play(7)


def no_epochs(patch: pytest.MonkeyPatch) -> None:
    """Whoever once held a lease may go on writing at the end."""

    def unchecked(self: MemoryJournal, append: Append) -> Log:
        return self.book.logs[append.lease.thread]

    patch.setattr(MemoryJournal, "_checked", unchecked)


def lost_answers_are_repeated(patch: pytest.MonkeyPatch) -> None:
    """An append whose answer was lost is written once more, wherever the journal ends by now."""

    async def again(journal: Journal, unit: Append) -> object:
        end = await journal.end(unit.lease.tenant, unit.lease.thread)
        return await journal.append(Append(unit.lease, end, unit.events, unit.run, unit.usage, None, unit.taken, unit.release_at))

    patch.setattr(appending, "append_again", again)


def claims_do_not_exclude(patch: pytest.MonkeyPatch) -> None:
    """A claim raises no epoch."""
    claim = MemoryQueue.claim

    async def same_epoch(self: MemoryQueue, *asked: object) -> object:
        claims = await claim(self, *asked)  # type: ignore[arg-type]
        for one in claims:
            log = self.book.logs[one.lease.thread]
            object.__setattr__(one.lease, "epoch", type(log.epoch)(1))
            log.epoch = one.lease.epoch
        return claims

    patch.setattr(MemoryQueue, "claim", same_epoch)


def lost_calls_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Whoever takes a run over does not look what was reserved."""

    async def none(*asked: object) -> tuple[()]:
        return ()

    patch.setattr(MemoryUsage, "reserved", none)


def every_answer_counts(patch: pytest.MonkeyPatch) -> None:
    """Whoever answers a question takes its mark, whether somebody has it or not; so does its deadline."""

    async def taken(self: MemoryMarks, tenant: object, mark: IdempotencyMark, subject: str) -> str:
        return subject

    patch.setattr(MemoryMarks, "take", taken)


def deadlines_ask_nobody(patch: pytest.MonkeyPatch) -> None:
    """When its time has come a question is closed, also when an answer was taken a moment before."""

    async def nothing(*_: object) -> None:
        return None

    patch.setattr(deadlines, "_given", nothing)


GUARDS = [
    no_epochs,
    lost_answers_are_repeated,
    claims_do_not_exclude,
    lost_calls_are_forgotten,
    every_answer_counts,
    deadlines_ask_nobody,
]


@pytest.mark.parametrize("remove", GUARDS)
def test_a_removed_guard_is_noticed(remove: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """In afternoons that are worse than any other, where it is needed most."""
    monkeypatch.setattr(simulated, "RATES", (WORST,))
    remove(monkeypatch)

    assert any(_is_noticed(seed) for seed in range(MOST_TRIES))


def _is_noticed(seed: int) -> bool:
    """A run that gets stuck, or a bug that shows itself, is noticed too."""
    try:
        return bool(play(seed).problems)
    except Exception:
        return True
