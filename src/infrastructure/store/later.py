"""Adapters that come into being at their first call."""

from collections.abc import Callable
from typing import Any


class Later:
    """Has every attribute of what `make` returns, and calls it when the first is wanted. What a subclass defines does without.

    With this, opening a store and running a graph do not import SQLAlchemy (half a second); only what is not hot does, once.
    """

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)
