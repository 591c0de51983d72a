"""What comes into being at its first call."""

from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import Any, cast


class Later:
    """Has every attribute of what `make` returns, and calls it when the first is wanted. What a subclass defines does without.

    With this, opening a store and running a graph do not import SQLAlchemy (half a second); only what is not hot does, once.
    """

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object = None
        self._making = Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rest(), name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return cast(Callable[..., Any], self.rest())(*given, **named)

    @property
    def is_there(self) -> bool:
        """Was anything asked so far?"""
        return self._made is not None

    def rest(self) -> object:
        """What `make` returns: a subclass that does without it for some questions asks it the others. Made once, whichever threads ask."""
        if self._made is None:
            with self._making:
                if self._made is None:
                    self._made = self._make()
        return self._made


class LaterModule:
    """Stands for a module: what its classes make is a `Later`, so that the module is loaded when somebody first asks one of them."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Callable[..., Later]:
        def made(*given: object, **named: object) -> Later:
            return Later(lambda: getattr(import_module(self._name), name)(*given, **named))

        return made
