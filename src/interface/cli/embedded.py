"""`weft run`: one run in this process, without a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from application.access import LOCAL_ADMIN
from application.errors import Problem, ValidationError, WeftError
from application.run_orders import RunOrder
from application.run_views import RunView
from application.runs import CancelOrder
from interface.cli.documents import is_file, read_document
from interface.cli.failures import CommandFailed, Exit, located, of_weft_error
from interface.cli.happenings import happening_of
from interface.cli.launcher import App, Launcher
from interface.cli.stopping import Stop, given_up_when_stopped, listening_for_signals

if TYPE_CHECKING:
    from interface.cli.live import Display
    from interface.yaml import Locate, LoadedDocument

CANCEL_SECONDS: Final = 10.0
"""How long a run that was asked to stop may take before the command ends without it."""


async def run_here(launcher: Launcher, reference: str, given: dict[str, Any], *, watch: bool, **flags: object) -> tuple[RunView | None, int]:
    """The run as it ended, and the command's exit code; no run when it was interrupted before there was one."""
    loaded = read_document(Path(reference)) if is_file(reference) else None
    order = _order(reference, loaded, given)
    with listening_for_signals() as stop:
        async with given_up_when_stopped(stop), launcher.open_app(**flags) as app:
            run = await _started(app, order, reference, loaded)
            ended = await asyncio.shield(asyncio.ensure_future(_to_its_end(app, run, stop, watch)))
            return ended, stop.exit_code if stop.asked.is_set() else _exit_code(ended)
    return None, stop.exit_code
