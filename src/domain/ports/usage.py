"""Sums over the ledger, kept as it is written."""

from collections.abc import Sequence
from typing import Protocol

from domain.ids import TenantId
from domain.tally import Aspect, Spent, UsageFilter


class UsageSums(Protocol):
    async def grouped(self, tenant: TenantId, by: tuple[Aspect, ...], wanted: UsageFilter, most: int) -> Sequence[Spent]:
        """What the lines that are charged come to, by what they have in common and by currency, in order of the keys; at most `most` of
        them. Exact at any moment: a line and what it adds are durable together. Whole days cost what there are groups, not what there are
        lines; parts of days are summed line by line."""
