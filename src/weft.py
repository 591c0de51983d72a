"""Weft's face: the names that packages of tools and node kinds import, and the light entry of the command.

Nothing is loaded before it is named. `from weft import tool, ToolContext` loads a few modules of ours and no library.
"""

import atexit
import gc
import os
import sys
from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for true; importing typing would take longer than answering `--version`
if TYPE_CHECKING:
    from domain.declaring import tool
    from domain.errors import NodeExecutionError, Problem, ToolError
    from domain.ports.effects import Effect, Performed
    from domain.ports.nodes import (
        EndFrame,
        Executor,
        Finished,
        Inspection,
        Intended,
        NodeContext,
        NodeKind,
        OpenFrames,
        Park,
        Reads,
        Workshop,
    )
    from domain.ports.tools import ToolContext
    from domain.tool import Effects
    from domain.usage import Usage

__version__ = "0.1.0"
__all__ = [
    "Effect",
    "Effects",
    "EndFrame",
    "Executor",
    "Finished",
    "Inspection",
    "Intended",
    "NodeContext",
    "NodeExecutionError",
    "NodeKind",
    "OpenFrames",
    "Park",
    "Performed",
    "Problem",
    "Reads",
    "ToolContext",
    "ToolError",
    "Usage",
    "Workshop",
    "tool",
]

_HOMES = {
    "domain.errors": ("NodeExecutionError", "Problem", "ToolError"),
    "domain.ports.effects": ("Effect", "Performed"),
    "domain.ports.nodes": (
        "EndFrame",
        "Executor",
        "Finished",
        "Inspection",
        "Intended",
        "NodeContext",
        "NodeKind",
        "OpenFrames",
        "Park",
        "Reads",
        "Workshop",
    ),
    "domain.ports.tools": ("ToolContext",),
    "domain.tool": ("Effects",),
    "domain.usage": ("Usage",),
    "domain.declaring": ("tool",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'weft' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def main() -> None:
    """The command `weft`. Its version is known before anything is imported."""
    if sys.argv[1:] == ["--version"]:
        print(f"weft {__version__}")
        return
    # A service has made 170,000 objects when it listens, and all live on: one look among them for garbage is a tenth of a start. Nor at
    # the end, when the process gives everything back at once.
    gc.set_threshold(300_000, 20, 20)
    atexit.register(gc.freeze)
    from interface.cli.app import run

    try:
        run(lambda: import_module("bootstrap").Launcher())
    except SystemExit as ending:
        _end_at_once(ending.code)
        raise


def _end_at_once(code: object) -> None:
    """Do what is to be done at exit, and leave without taking the interpreter apart, which is a twentieth of a short command. Where a
    thread still has something to do, or output cannot be written, the usual end has its way."""
    import threading

    if not isinstance(code, int) or any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        return
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return
    os._exit(code)


if __name__ == "__main__":
    main()
