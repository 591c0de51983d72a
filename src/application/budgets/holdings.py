"""The blocks of budgets that a process holds: leased, marked, given back. Whoever asks is answered when the store has answered."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import TypeVar

import structlog

from application.budgets.tills import AHEAD_SHARE, Till
from domain.budget import AccountKey, AtLimit
from domain.budget_account import Account, Block, Closed, Lack, Lease
from domain.errors import DatabaseError
from domain.ids import BlockId, NewId
from domain.ports.budgets import BudgetAccounts
from domain.ports.clock import Clock

log = structlog.get_logger("application.budgets")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Holdings:
    """The blocks that this process has leased, one till for each account, and the only one here that asks the store for more or less."""

    accounts: BudgetAccounts
    new_id: NewId
    clock: Clock
    block_seconds: float = 30.0
    """So long without a sign of its holder others close a block."""
    tills: dict[AccountKey, Till] = field(default_factory=dict)
    used: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while there are blocks: somebody is to keep them."""
    marking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def lease(self, till: Till, lacking_now: Callable[[], Collection[Decimal]]) -> Lack | Decimal | None:
        """So much more for a till where calls lack these amounts, or why not; None: the budget is gone."""
        async with till.changing:
            lacking = lacking_now()
            if not lacking:
                return Decimal(0)
            expires_at = self.clock.now().timestamp() + self.block_seconds
            block = till.block or Block(BlockId(self.new_id()), expires_at=expires_at)
            held, free = replace(block), block.free
            least, needed, now = min(lacking) - free, sum(lacking) - free, self.clock.now().timestamp()
            alone, parks = till.budget.is_of_one_run, till.budget.at_limit is AtLimit.PARK

            marked = sum(lacking) + till.budget.limit // (least * AHEAD_SHARE) * least

            def work(account: Account) -> Lease:
                till.gauge.look(account, held)
                return account.lease(held, least, needed, now, alone=alone, parks=parks, marked=marked)

            lease = await self.surely(partial(self.accounts.change, till.key, work, held.id))
            if isinstance(lease, Closed):
                self.lose(block)
            if isinstance(lease, Closed) or block.is_closed:
                return Decimal(0)
            if isinstance(lease, Decimal):
                block.granted += lease
                if till.block is None:
                    till.block, till.marked = block, min(marked, block.granted)
                self.used.set()
            return lease

    async def mark(self, tills: Collection[Till], *, exactly: bool = False) -> dict[BlockId, float]:
        """Make durable what is used of their blocks, and that they are held; when each was last wanted by others, in seconds since the
        epoch. Those that turn out to be closed are lost from then on. One after the other: a mark never overtakes a newer one."""
        async with self.marking:
            until = self.clock.now().timestamp() + self.block_seconds
            held = [(till, till.block, till.to_mark(exactly=exactly)) for till in tills if till.block is not None]
            for till, block, mark in held:
                block.expires_at = mark.expires_at = until
                till.marked = min(till.marked, mark.used)
            marks = [mark for _, _, mark in held]
            wanted = await self.surely(partial(self.accounts.mark, marks)) if marks else {}
            for till, block, mark in held:
                if block.id not in wanted and not block.is_closed:
                    self.lose(block)
                elif till.block is block:
                    till.marked = mark.used
            return dict(wanted)

    def lose(self, block: Block) -> None:
        """Others closed it. What is under way in it stays charged to it."""
        block.is_closed = True
        for till in self.tills.values():
            if till.block is block:
                log.warning("a block of a budget was closed by others", budget=till.budget.name, subject=till.key.subject)
                till.block = None
                self.correct_soon(till, block)

    async def give_back(self, till: Till, *, close: bool) -> None:
        """What is not needed of its block; with `close` the block too, in which nothing is under way."""
        async with till.changing:
            block = till.block
            if block is None or (close and block.reserved):
                return
            block.granted = block.used
            if close:
                block.is_closed, till.block = True, None
            else:
                await self.mark([till])  # nothing is marked beyond what is kept
            held = replace(block)

            def work(account: Account) -> None:
                if not close:
                    return account.give_back(held)
                account.close(held)
                return account.rest() if account.crossed(till.budget.alerts) is None else None

            await self.surely(partial(self.accounts.change, till.key, work, held.id))

    def correct_soon(self, till: Till, block: Block) -> None:
        self.spawn(self._correct(till, block))

    async def _correct(self, till: Till, block: Block) -> None:
        """A block that others closed: what was used of it by now, with what is still under way."""
        async with till.changing:
            held = replace(block)
            await self.surely(partial(self.accounts.change, till.key, lambda account: account.close(held), held.id))

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def surely(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Asks until the store answers."""
        pause = 0.05
        while True:
            try:
                return await ask()
            except DatabaseError as error:
                log.warning("budgets wait for the database", reason=error.message, pause=pause)
            await self.clock.sleep(pause)
            pause = min(pause * 2, 2.0)

    def spawn(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
