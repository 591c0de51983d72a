"""dependency-injector's containers, without the web frameworks that its wiring tries on import.

Wiring is never used here (declarations stand in `bootstrap.py`, nothing else knows the container), but importing it loads FastAPI and Werkzeug
where they are installed: 0.3 s that `weft run` does not need.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_UNUSED = ("fastapi", "fastapi.params", "fast_depends", "starlette", "starlette.requests", "werkzeug", "werkzeug.local")


@contextmanager
def _not_installed(names: tuple[str, ...]) -> Iterator[None]:
    """What is not loaded yet cannot be imported inside the block."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is Python's own mark for "no such module"
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with _not_installed(_UNUSED):
    from dependency_injector import containers, providers

__all__ = ["containers", "providers"]
