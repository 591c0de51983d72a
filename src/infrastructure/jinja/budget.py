"""What one rendering may spend. A template cannot be interrupted, so everything it does that could take long asks here first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.errors import ExpressionError
from infrastructure.json_bounds import weigh
from infrastructure.processor_time import worked

SECONDS: Final = 0.05
"""Processor time."""
MAX_LOOP: Final = 1000
MAX_OUTPUT: Final = 1024 * 1024
MAX_OPERAND: Final = 4 * 1024 * 1024
MAX_MADE: Final = 32 * 1024 * 1024
NAME: Final = "weft_budget"
"""Under which a template's context holds it."""


@dataclass(slots=True)
class Budget:
    """`made` sums the weight of what operations made, so that many middle-sized texts cannot fill the memory."""

    deadline: float = field(default_factory=lambda: worked() + SECONDS)
    made: int = 0

    def tick(self) -> None:
        if worked() > self.deadline:
            raise ExpressionError(f"it takes longer than {SECONDS * 1000:.0f} ms")

    def make(self, weight: int) -> None:
        """Asked before something of this weight is made."""
        self.made += weight
        if weight > MAX_OPERAND or self.made > MAX_MADE:
            one, all_of_them = MAX_OPERAND // 2**20, MAX_MADE // 2**20
            raise ExpressionError(f"it makes texts or lists that are too big (more than {one} MiB, or {all_of_them} MiB in all)")
        self.tick()

    def look_at(self, *values: object) -> None:
        """Asked before something works through these values."""
        self.tick()
        for value in values:
            if not isinstance(value, bool | int | float | None):
                weigh(value, MAX_OPERAND)

    def each(self, values: object) -> Iterator[object]:
        if not isinstance(values, list | tuple | Mapping):
            raise ExpressionError("a loop works on a list or an object")
        if len(values) > MAX_LOOP:
            raise ExpressionError(f"a loop runs at most {MAX_LOOP:,} times; there are {len(values):,} elements")
        for value in values:
            self.tick()
            yield value
