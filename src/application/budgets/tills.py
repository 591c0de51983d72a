"""What one process holds of budgets, in its memory: tills with blocks in them, and calls that take from all that concern them at once."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from application.budgets.gauge import Gauge
from domain.budget import AccountKey, Budget
from domain.budget_account import NOTHING, Block, Lack
from domain.caller import Caller
from domain.errors import PriceUnknown
from domain.usage import Usage

AHEAD_SHARE: Final = 1_000
"""Marks go ahead by so small a part of the limit: it is all that is lost of a budget with a process that is killed."""


@dataclass(slots=True, eq=False)
class Till:
    """One account, and this process's open block of it."""

    budget: Budget
    key: AccountKey
    block: Block | None = None
    used_at: float = 0.0
    """Seconds of the monotonic clock."""
    marked: Decimal = NOTHING
    """So much of the block is known to be durably used, whatever becomes of this process."""
    ahead: Decimal = NOTHING
    """So much is marked beyond what is used, so that the next calls need not wait."""
    waiting: "dict[Hold, Decimal]" = field(default_factory=dict)
    """Calls that wait, for this one or another one that they need too, with what they need here; who came first is first."""
    filling: "asyncio.Task[None] | None" = None
    beyond: Decimal = NOTHING
    """So much of the account nobody held when it was last asked for more than that."""
    may_fit: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when asking again is worth while before its time."""
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the account is changed: a block's grant moves one step at a time."""
    gauge: Gauge = field(default_factory=Gauge)

    @property
    def free(self) -> Decimal:
        return NOTHING if self.block is None else self.block.free

    def lacks(self, amount: Decimal) -> bool:
        return amount > self.free

    def is_there(self, amount: Decimal) -> bool:
        """With what nobody held, as far as is known."""
        return amount <= self.free + self.beyond

    @property
    def spent(self) -> Decimal:
        """By everybody, as far as is known here."""
        return self.gauge.spent(self.block)

    @property
    def passed(self) -> int:
        """The highest mark, in percent; 0: none."""
        return self.gauge.passed(self.budget, self.block)

    @property
    def is_marked(self) -> bool:
        """Is all that is used durably so? What is marked in a block that others closed without our knowing counts as used there too."""
        return self.block is not None and self.block.used <= self.marked

    def take(self, amount: Decimal, now: float) -> Block:
        assert self.block is not None, "what fits is in a block"
        self.block.take(amount)
        self.used_at, self.ahead = now, self.budget.limit // (amount * AHEAD_SHARE) * amount
        return self.block

    def to_mark(self, *, exactly: bool) -> Block:
        """The block as it is to be kept; what goes ahead counts as reserved."""
        assert self.block is not None, "only what is held is marked"
        ahead = NOTHING if exactly else max(min(self.ahead, self.block.free), NOTHING)
        return replace(self.block, used=self.block.used + ahead, reserved=self.block.reserved + ahead)


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
    passed: int = 0
    """The highest mark that was passed before, in percent."""

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
    coming: Usage | None = None
    """What the call came to, until it is settled."""

    @property
    def has_room(self) -> bool:
        """Is that known by now?"""
        return self.decided.done() and not self.decided.cancelled() and self.decided.result() is None

    @property
    def fits(self) -> bool:
        return not any(till.lacks(amount) for till, amount in self.needs)

    @property
    def lacking(self) -> list[tuple[Till, Decimal]]:
        return [(till, amount) for till, amount in self.needs if till.lacks(amount)]

    def take(self, now: float) -> None:
        """From each till its amount."""
        self.parts += [Part(till, till.take(amount, now), amount) for till, amount in self.needs]

    def comes_to(self, usage: Usage) -> None:
        """That is known, and not settled."""
        self.coming = usage
        for part in self.parts:
            part.till.gauge.coming += _used(part, usage)

    def settle(self, usage: Usage | None) -> list[Part]:
        """It came to this, or None for nothing; the parts that it had. Where no price is known after all, it cost what was reserved."""
        parts, self.parts = self.parts, []
        coming, self.coming = self.coming, None
        for part in parts:
            if coming is not None:
                part.till.gauge.coming -= _used(part, coming)
            part.block.settle(part.amount, NOTHING if usage is None else _used(part, usage))
        return parts


def _used(part: Part, usage: Usage) -> Decimal:
    try:
        return part.till.budget.amount(usage)
    except PriceUnknown:
        return part.amount


def tills_of(holds: Iterable[Hold]) -> list[Till]:
    """Those whose blocks they took from, each once."""
    return list({id(part.till): part.till for hold in holds for part in hold.parts if part.till.block is part.block}.values())
