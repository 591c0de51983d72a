"""Two libraries, imported without what they would load and nobody here uses.

dependency-injector's wiring tries FastAPI and Werkzeug, its configuration YAML; declarations stand in `bootstrap.py` and nothing is wired
or configured. structlog's console renderer tries rich and its syntax highlighting, its context variables greenlet; our tracebacks are
plain. Together 0.3 s that `weft run` does not need. Import this before either.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_UNUSED = (
    "fastapi",
    "fastapi.params",
    "fast_depends",
    "starlette",
    "starlette.requests",
    "werkzeug",
    "werkzeug.local",
    "rich",
    "yaml",
    "better_exceptions",
    "greenlet",
)


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
    import structlog
    from dependency_injector import containers, providers

__all__ = ["containers", "providers", "structlog"]
