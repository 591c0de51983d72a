"""Wake-ups between tasks and processes: a hint may come late, twice, for nothing, or never. What is true stands in the store."""

from typing import Final, Protocol

QUEUE: Final = "queue"
"""A run may have become claimable."""
INBOX: Final = "inbox"
"""A wish may have come."""


class Hints(Protocol):
    def ring(self, topic: str) -> None:
        """Tell whoever listens, here and in other processes. Returns at once and never fails; many rings in a row may be one."""

    async def heard(self, topic: str, timeout: float) -> None:
        """Returns when the topic was rung since somebody last listened, or after `timeout` seconds."""
