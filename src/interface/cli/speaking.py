"""`weft mcp`: a server on stdin and stdout, and a worker beside it."""

from contextlib import AsyncExitStack
from importlib.metadata import version

from application.access import local_admin
from interface.cli.launcher import Launcher
from interface.cli.serving import Part, together, work_until_asked
from interface.cli.stopping import listening_for_signals, opened_unless_stopped
from interface.mcp.server import Speaking
from interface.mcp.stdio import speak, stdout_kept


async def speak_and_work(launcher: Launcher, tenant: str, **flags: object) -> None:
    """Until the client hangs up or a signal comes; then the worker lets its nodes finish within its grace."""
    with stdout_kept() as out, listening_for_signals() as stop:
        async with AsyncExitStack() as stack:
            app = await opened_unless_stopped(stack, launcher.open_app(patient=False, **flags), stop)
            if app is None:
                return
            speaking = Speaking(version("weft"), app.settings.mcp_seconds, stop.asked, is_alone=True)
            parts: list[Part] = [lambda: speak(app.desk, local_admin(tenant), speaking, out), lambda: work_until_asked(app, stop)]
            await together(stop, parts)
