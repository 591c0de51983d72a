"""What one process holds of budgets, in its memory: tills with blocks in them, and calls that take from all that concern them at once."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from domain.budget import AccountKey, Budget
from domain.budget_account import NOTHING, Block, Lack
from domain.caller import Caller
from domain.errors import PriceUnknown
from domain.usage import Usage


@dataclass(slots=True, eq=False)
class Till:
    """One account, and this process's open block of it."""

    budget: Budget
    key: AccountKey
    block: Block | None = None
    used_at: float = 0.0
    """Seconds of the monotonic clock."""
    filling: "asyncio.Task[None] | None" = None
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the account is changed: a block's grant moves one step at a time."""

    @property
    def free(self) -> Decimal:
        return NOTHING if self.block is None else self.block.free


class Part(NamedTuple):
    """What a call has of one block. `till` counts what it came to."""

    till: Till
    block: Block
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call does not fit into a budget."""

    budget: Budget
    key: AccountKey
    lack: Lack
    needed: Decimal
    turns_at: datetime | None

    @property
    def sentence(self) -> str:
        budget, lack = self.budget, self.lack
        spent = f"{budget.written(lack.spent)} of {budget.written(lack.limit)} are used up" + (
            f" in {self.key.period}" * bool(self.key.period)
        )
        of = f" of {self.key.subject}" if self.key.subject else ""
        until = f", or wait until {self.turns_at:%Y-%m-%d %H:%M} UTC" if self.turns_at else ""
        return (
            f"the budget {budget.name!r}{of} has no room for this call: {spent}, and it may use {budget.written(self.needed)}; "
            f"raise the budget{until}, or give the node a smaller `max_tokens`"
        )


@dataclass(slots=True, eq=False)
class Hold:
    """What is reserved for one call, in every budget that it concerns. `parts` empty: it waits, or is over."""

    caller: Caller
    usage: Usage
    decided: "asyncio.Future[Refusal | PriceUnknown | None]"
    """None: the call may be made, whatever becomes of this process."""
    asked_at: float
    """Seconds of the monotonic clock."""
    needs: list[tuple[Till, Decimal]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    is_over: bool = False

    @property
    def fits(self) -> bool:
        return all(amount <= till.free for till, amount in self.needs)

    def need_of(self, till: Till) -> Decimal | None:
        return next((amount for one, amount in self.needs if one is till), None)

    def take(self, now: float) -> None:
        """From each till its amount."""
        for till, amount in self.needs:
            assert till.block is not None, "what fits is in a block"
            till.block.take(amount)
            till.used_at = now
            self.parts.append(Part(till, till.block, amount))

    def settle(self, usage: Usage | None) -> list[Part]:
        """It came to this, or None for nothing; the parts that it had. Where no price is known after all, it cost what was reserved."""
        parts, self.parts = self.parts, []
        for part in parts:
            part.block.settle(part.amount, NOTHING if usage is None else _used(part, usage))
        return parts


def _used(part: Part, usage: Usage) -> Decimal:
    try:
        return part.till.budget.amount(usage)
    except PriceUnknown:
        return part.amount


def blocks_of(holds: Iterable[Hold]) -> list[Block]:
    """Each once."""
    return list({part.block.id: part.block for hold in holds for part in hold.parts}.values())
