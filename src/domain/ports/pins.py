"""Which descriptions of others' tools somebody has approved."""

from collections.abc import Sequence
from typing import Protocol

from domain.registered import ToolPin


class ToolPins(Protocol):
    async def of(self, server: str) -> Sequence[ToolPin]:
        """By tool."""

    async def pin(self, pins: Sequence[ToolPin], *, replacing: bool) -> None:
        """Keep them all; one that is there stays as it is unless `replacing`. Two at once: each tool has the pin of one of them."""

    async def unpin(self, server: str, tools: Sequence[str]) -> None:
        """Forget them; those that are not there are passed over."""
