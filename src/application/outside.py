"""Rows that come from outside: what a person changes in a thread while nobody works on it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from application.checkpoints import CHECKPOINT_ROWS
from application.loading import checkpoint_body
from application.once import Once
from application.past import Moment, Past
from domain.access import Principal
from domain.errors import Fenced, Stale, ThreadBusy
from domain.ids import BEGINNING, NewId, Position, ThreadId
from domain.ports.clock import Clock
from domain.ports.feed import Feed
from domain.ports.holds import Holds
from domain.ports.journal import Append, Checkpoint, Journal
from domain.run.events import RunMigrated, StateEdited, StateRestored
from domain.run.run import Run

TRIES: Final = 10
PAUSE_SECONDS: Final = 0.01
_KINDS: Final = frozenset({StateEdited.kind, StateRestored.kind})
Decide: TypeAlias = Callable[[Moment, str], Awaitable[StateEdited | StateRestored | None]]
"""The row for a thread as it is now, with the request's key; None: nothing is to be written."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Moved:
    """The row that moves a parked run, and the run's public row after it. `due_at`: from when on a worker may take it, in seconds since the
    epoch; None: as it was parked."""

    event: RunMigrated
    run: Run
    due_at: float | None = None


Move: TypeAlias = Callable[[Moment], Awaitable[Moved | None]]
"""None: the run stays where it is."""


@dataclass(frozen=True, slots=True)
class Request:
    """`key`: its own, "" when it came without one. `since`: where the thread ended when it first came."""

    key: str = ""
    since: Position = BEGINNING


@dataclass(frozen=True, slots=True)
class Written:
    """`moment`: the thread before the row; None when the same request wrote the row before. `event` None: nothing was to be done."""

    position: Position
    event: StateEdited | StateRestored | None
    moment: Moment | None = None


def _checkpoint(moment: Moment) -> Checkpoint | None:
    """Of the thread before the row, when many rows have come since the last one: no engine writes any where only people write."""
    if moment.tail < CHECKPOINT_ROWS:
        return None
    return Checkpoint(moment.position, checkpoint_body(moment.before, moment.run))


@dataclass(frozen=True, slots=True)
class WriteFromOutside:
    """Takes the thread's lease, looks at the thread, decides, writes. Who comes between (a claim, another edit) wins: then it is all done
    again from what there is by then, so that nothing is overwritten unseen, and nothing written twice."""

    holds: Holds
    past: Past
    journal: Journal
    feed: Feed
    once: Once
    new_id: NewId
    clock: Clock
    _turns: "WeakValueDictionary[ThreadId, asyncio.Lock]" = field(default_factory=WeakValueDictionary)
    """Requests of this process take turns, thread by thread."""

    async def request(self, who: Principal, thread: ThreadId, key: str | None, digest: str) -> Request:
        """`IdempotencyConflict` when the key came with another body."""
        if key is None:
            return Request()
        end = await self.journal.end(who.tenant, thread)
        since, _, name = (await self.once.named(who, key, digest, f"{end} {self.new_id()}")).partition(" ")
        return Request(name, Position(int(since)))

    async def __call__(self, who: Principal, thread: ThreadId, request: Request, decide: Decide) -> Written:
        """`ThreadBusy` while a worker has the thread, or when others were faster again and again; not for one that was done before."""

        async def attempt() -> Written:
            if request.key and (known := await self._known(who, thread, request, await self.journal.end(who.tenant, thread))) is not None:
                return known
            return await self._try(who, thread, request, decide)

        return await self._in_turn(thread, attempt)

    async def moving(self, who: Principal, thread: ThreadId, move: Move) -> None:
        """Row and run change together, or neither does. `ThreadBusy` as for an edit."""

        async def attempt() -> None:
            hold = await self.holds.hold(who.tenant, thread)
            moved = await move(await self.past.at(who.tenant, thread, hold.position))
            if moved is not None:
                unit = Append(hold.lease, hold.position, [moved.event], moved.run, release_at=moved.due_at, moves=True)
                self.feed.publish(await self.journal.append(unit))

        await self._in_turn(thread, attempt)

    async def _in_turn(self, thread: ThreadId, attempt: Callable[[], Awaitable[T]]) -> T:
        turn = self._turns.setdefault(thread, asyncio.Lock())
        async with turn:
            for tried in range(TRIES):
                try:
                    return await attempt()
                except (Fenced, Stale):
                    await self.clock.sleep(PAUSE_SECONDS * tried)
        raise ThreadBusy(f"others write to thread {thread} all the time: nothing was changed, ask again")

    async def _try(self, who: Principal, thread: ThreadId, request: Request, decide: Decide) -> Written:
        hold = await self.holds.hold(who.tenant, thread)
        known = await self._known(who, thread, request, hold.position)
        if known is not None:
            return known
        moment = await self.past.at(who.tenant, thread, hold.position)
        event = await decide(moment, request.key)
        if event is None:
            return Written(hold.position, None, moment)
        rows = await self.journal.append(Append(hold.lease, hold.position, [event], checkpoint=_checkpoint(moment)))
        self.feed.publish(rows)
        return Written(rows[0].position, event, moment)

    async def _known(self, who: Principal, thread: ThreadId, request: Request, end: Position) -> Written | None:
        """The row that this very request wrote, should it have come before."""
        position = request.since
        while request.key and position < end:
            rows = await self.journal.read(who.tenant, thread, position)
            for row in rows:
                event = self.journal.decode(row) if row.kind in _KINDS else None
                if isinstance(event, StateEdited | StateRestored) and event.key == request.key:
                    return Written(row.position, event)
            if not rows:
                break
            position = rows[-1].position
        return None
