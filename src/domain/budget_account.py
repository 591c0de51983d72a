"""The account of a budget: what is used up, what is under way, and which blocks of it processes hold.

`taken` never exceeds the limit by what is granted: a block counts whole while it is open, and what was used of it once it is closed. Only a
call that used more than was reserved for it, or a limit that was lowered, gets it there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias

from domain.budget import AccountKey
from domain.ids import BlockId

NOTHING: Final = Decimal(0)
SHARES: Final = 8
"""A block that several may want takes no more than this part of what is free, beyond what is asked for."""
AHEAD: Final = Decimal(256)
"""And no more than so many times what the next call needs."""


@dataclass(slots=True)
class Block:
    """What one process may use without asking. `used`: settled, and `reserved` for calls under way. Closed: nothing more is taken of it."""

    id: BlockId
    granted: Decimal = NOTHING
    used: Decimal = NOTHING
    reserved: Decimal = NOTHING
    expires_at: float = 0.0
    """Seconds since the epoch: from then on whoever sees it may close it."""
    is_closed: bool = False

    @property
    def free(self) -> Decimal:
        return NOTHING if self.is_closed else self.granted - self.used

    def take(self, amount: Decimal) -> None:
        assert amount <= self.free, "only what is free is taken"
        self.used += amount
        self.reserved += amount

    def settle(self, reserved: Decimal, used: Decimal) -> None:
        """What a call came to for which so much was reserved."""
        self.used += used - reserved
        self.reserved -= reserved


@dataclass(frozen=True, slots=True)
class Lack:
    """There was not enough. `spent`: settled, by everybody, as far as is known. `beyond`: what nobody holds. What others hold may still
    become free."""

    limit: Decimal
    spent: Decimal
    beyond: Decimal = NOTHING

    def is_final(self, amount: Decimal) -> bool:
        """Would it not fit either if nothing else were under way?"""
        return self.spent + amount > self.limit


@dataclass(frozen=True, slots=True)
class Closed:
    """The block is closed: others took its holder for gone."""


Lease: TypeAlias = Decimal | Lack | Closed
"""So much more was granted, or why not."""


@dataclass(slots=True)
class Account:
    """`blocks`: the open ones, and closed ones that were asked for. `alerted`: the highest share of the limit, in percent, that was told.
    `refused`: a call did not fit. `waits_since`: a run is parked for it (seconds since the epoch). `is_awake`: somebody is to look after
    it."""

    key: AccountKey
    limit: Decimal
    taken: Decimal = NOTHING
    alerted: int = 0
    wanted_at: float = 0.0
    """When somebody was refused for lack of what others hold and do not use."""
    refused: bool = False
    waits_since: float | None = None
    is_awake: bool = False
    blocks: dict[BlockId, Block] = field(default_factory=dict)

    @property
    def open(self) -> list[Block]:
        return [block for block in self.blocks.values() if not block.is_closed]

    @property
    def reserved(self) -> Decimal:
        """For calls under way."""
        return sum((block.reserved for block in self.open), NOTHING)

    @property
    def spent(self) -> Decimal:
        """Settled, and lost sight of."""
        return self.taken - sum((block.granted - block.used + block.reserved for block in self.open), NOTHING)

    @property
    def left(self) -> Decimal:
        """Neither spent nor reserved."""
        return max(self.limit - self.spent - self.reserved, NOTHING)

    def lease(
        self, held: Block, least: Decimal, needed: Decimal, now: float, *, alone: bool, parks: bool = False, marked: Decimal = NOTHING
    ) -> Lease:
        """More for a block, at least `least` and if possible `needed`; somewhat ahead of that, and all that is free where nobody else
        will want any (`alone`). As often as it is asked: the block then has that much more than `held`. `parks`: a run is parked where
        there is not enough. `marked`: so much of a new block counts as reserved at once, as far as it goes."""
        if held.id in self.blocks and self._as_granted(held).is_closed:
            return Closed()
        self.is_awake = True
        free = self.limit - self.taken
        if free < least:
            lack = Lack(self.limit, self._spent_knowing(held), free)
            self.waits_since = now if parks else self.waits_since
            self.wanted_at = now if any(block.id != held.id for block in self.open) else self.wanted_at
            self.refused = self.refused or lack.is_final(held.free + least)
            return lack
        grant = free if alone else min(free, max(needed, _ahead(free, least)))
        mine = self._as_granted(held)
        self._grant(mine, held.granted + grant)
        if not held.granted:
            mine.used = mine.reserved = min(marked, grant)
        return grant

    def give_back(self, held: Block) -> None:
        """What a block was granted beyond `held`."""
        self._as_granted(held)
        self.is_awake = True

    def close(self, held: Block) -> None:
        """Nothing is under way in it any more; what was used of it is spent, and the rest is free. Also where others closed it before."""
        mine = self.blocks.get(held.id)
        if mine is not None:
            mine.used, mine.reserved, mine.is_closed = held.used, NOTHING, True
            self._grant(mine, held.used)
            self.is_awake = True

    def close_expired(self, now: float) -> int:
        """Blocks whose holders are gone: what they had reserved stays spent, what they had not used is free. How many there were."""
        gone = [block for block in self.open if block.expires_at < now]
        for block in gone:
            self._grant(block, block.used)
            block.is_closed = True
        return len(gone)

    def crossed(self, alerts: Iterable[int]) -> int | None:
        """The highest of these percentages that was reached, and nobody was told of; None: none."""
        share = Decimal(100) if self.refused else share_of(self.spent, self.limit)
        return max((percent for percent in alerts if self.alerted < percent <= share), default=None)

    def arm(self, alerts: Iterable[int]) -> None:
        """After the limit was changed: what is not reached any more is told again when it is."""
        self.refused, share = False, share_of(self.spent, self.limit)
        self.alerted = max((percent for percent in alerts if percent <= self.alerted and percent <= share), default=0)

    def told(self, percent: int) -> None:
        self.alerted = max(self.alerted, percent)

    def nobody_waits(self, since: float) -> None:
        """Of those that were parked since then, or before."""
        if self.waits_since is not None and self.waits_since <= since:
            self.waits_since = None

    def rest(self) -> None:
        """Nobody is to look after it until it is used again."""
        self.is_awake = bool(self.open) or self.waits_since is not None

    def _spent_knowing(self, held: Block) -> Decimal:
        """With what the holder of a block knows of it by now."""
        row = self.blocks.get(held.id, Block(held.id))
        return self.spent + (held.used - held.reserved) - (row.used - row.reserved)

    def _as_granted(self, held: Block) -> Block:
        """The row of a block, with what its holder was granted. What it used is told by marks alone, which come when they come; one that
        was closed stays as it is."""
        mine = self.blocks.setdefault(held.id, Block(held.id, NOTHING, held.used, held.reserved, held.expires_at))
        if not mine.is_closed:
            self._grant(mine, held.granted)
        return mine

    def _grant(self, block: Block, granted: Decimal) -> None:
        self.taken += granted - block.granted
        block.granted = granted


def share_of(spent: Decimal, limit: Decimal) -> Decimal:
    """In percent. Of a limit of nothing, nothing is no share."""
    if not spent:
        return NOTHING
    return spent * 100 / limit if limit else Decimal(100)


def _ahead(free: Decimal, least: Decimal) -> Decimal:
    """A share of what is free, in whole calls: nothing is left over that is of no use, and no sum grows digits."""
    return min(free // (least * SHARES), AHEAD) * least
