"""Where callers of one provider stand in line, whichever process they are in."""

from typing import Protocol


class Lanes(Protocol):
    async def read(self, name: str) -> str | None:
        """What is written under the name; None: nothing is. `DatabaseError` when nobody knows."""

    async def swap(self, name: str, before: str | None, after: str) -> bool:
        """Write `after` where `before` stands (None: where nothing does). False: something else stands there, and nothing was written. Of
        two at once one is refused. `DatabaseError` when nobody knows."""
