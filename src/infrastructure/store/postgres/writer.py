"""The one task of a process that appends to PostgreSQL, over a connection of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from domain.errors import DatabaseError
from domain.ports.clock import Clock
from domain.ports.journal import Append, Recorded
from infrastructure.store.batch import Group, Unit, Waiting, tell_committed
from infrastructure.store.postgres.appends import statement_of
from infrastructure.store.postgres.committing import CommitLoop
from infrastructure.store.postgres.connections import LOST, REFUSED, TRY_AGAIN, WriterConnection, no_answer, refusal
from infrastructure.store.postgres.hearing import Hearing
from infrastructure.store.rows import Row

_HEADS_NOW = "SELECT thread, epoch, position FROM heads WHERE thread = ANY($1::text[])"
_BREATH: Final = 0.005
"""Seconds before another try when every head of a batch was locked elsewhere."""


class PostgresWriter:
    def __init__(self, connection: WriterConnection, clock: Clock, on_committed: Callable[[int, float], None]) -> None:
        self._connection, self._clock, self._on_committed = connection, clock, on_committed
        self._hearing = Hearing(connection)
        self._waiting = Waiting()
        self._loop = CommitLoop(lambda: bool(self._waiting), self._write_next, "weft-append")

    def append(self, append: Append) -> Awaitable[Sequence[Recorded]]:
        if not self._loop.is_open:
            raise DatabaseError("the store was closed")
        unit = Unit.of(append)
        self._waiting.units.append(unit)
        self._loop.poke()
        return unit.done

    async def close(self) -> None:
        """Writes what has come so far; what comes later is refused."""
        await self._loop.close()
        await self._connection.close()

    async def _write_next(self) -> None:
        await self._write(self._waiting.batch(self._clock.now()))

    async def _write(self, groups: Sequence[Group]) -> None:
        began = time.perf_counter()
        try:
            await self._hearing.mark(groups)
            statement, values = statement_of(groups)
            heads = await self._connection.rows(statement, *values)
        except LOST as error:
            await self._find_out(groups, error)
        except TRY_AGAIN:
            self._waiting.again += groups
        except Exception as error:
            await self._write_apart(groups, error)
        else:
            rows = await self._settle(groups, heads)
            if rows:
                self._on_committed(rows, time.perf_counter() - began)

    async def _settle(self, groups: Sequence[Group], heads: Sequence[Row]) -> int:
        """Tells the groups of a statement what became of them; how many rows were written. Heads that are missing were locked elsewhere."""
        seen = {thread: (epoch, position, has_passed) for thread, epoch, position, has_passed in heads}
        passed: list[Group] = []
        for group in groups:
            if (head := seen.get(group.thread)) is None:
                continue
            *now, has_passed = head
            if has_passed:
                passed.append(group)
            else:
                _refused(group, (now[0], now[1]))
        tell_committed(passed, len(self._waiting.units))
        if len(seen) < len(groups):
            await self._put_back([group for group in groups if group.thread not in seen], at_once=bool(passed))
        return sum(group.upto - group.after for group in passed)

    async def _put_back(self, groups: Sequence[Group], *, at_once: bool) -> None:
        known = {thread for thread, _, _ in await self._heads_now(groups)}
        for group in groups:
            if group.thread in known:
                self._waiting.again.append(group)
            else:
                group.refuse(group.refusal(None))
        if not at_once:
            await asyncio.sleep(_BREATH)

    async def _find_out(self, groups: Sequence[Group], lost: BaseException) -> None:
        """The answer was lost. A head that moved to exactly where a group ends, under its epoch, says that it happened;
        one that did not move, that it did not happen yet: it is sent once more."""
        try:
            heads = {thread: (epoch, position) for thread, epoch, position in await self._heads_now(groups)}
        except (*LOST, *REFUSED) as error:
            for group in groups:
                group.refuse(no_answer(error))
            return
        for group in groups:
            head = heads.get(group.thread)
            if head == (group.epoch, group.upto) and group.upto > group.after:
                group.committed()
            elif head == (group.epoch, group.after) and not group.doubtful:
                group.doubtful = True
                self._waiting.again.append(group)
            else:
                group.refuse(no_answer(lost) if group.doubtful else group.refusal(head))

    async def _heads_now(self, groups: Sequence[Group]) -> Sequence[Row]:
        return await self._connection.rows(_HEADS_NOW, [group.thread for group in groups])

    async def _write_apart(self, groups: Sequence[Group], error: Exception) -> None:
        """Whoever brought what the database does not take fails alone."""
        if len(groups) == 1:
            groups[0].refuse(refusal(error))
            return
        for group in groups:
            await self._write([group])


def _refused(group: Group, head: tuple[int, int]) -> None:
    if group.doubtful and head == (group.epoch, group.upto):
        group.committed()  # the try whose answer was lost went through after all
    else:
        group.refuse(group.refusal(head))
