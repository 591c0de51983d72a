"""How many connections to PostgreSQL a process has, and what each of them is for."""

from dataclasses import dataclass
from typing import Final

_WRITERS: Final = 2
"""One for appends, one for starts."""


@dataclass(frozen=True, slots=True)
class Connections:
    """`most`: all together, 4 or more. `wait_seconds`: how long to wait for one that is free."""

    most: int = 14
    wait_seconds: float = 5.0

    @property
    def cold(self) -> int:
        """For what goes through SQLAlchemy; none is made before it is wanted."""
        return max(1, (self.most - _WRITERS) // 3)

    @property
    def hot(self) -> int:
        """For claims and reads."""
        return self.most - _WRITERS - self.cold


USUAL: Final = Connections()
