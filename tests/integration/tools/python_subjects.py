"""Tools that are Python: ours, and native ones in a thread, in a process, and async."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path

from domain.declaring import MARK, declaration_of
from domain.tool import ToolType
from infrastructure.clock import SystemClock
from infrastructure.tools.native import native_tool
from infrastructure.tools.runnable import RunnableTool
from tests.integration.tools.behaviours import ASYNC, CODE, NOTES, PLAIN, PROCESS
from tests.integration.tools.subject import Opens, Subject, Trail
from tests.toolbox import tools_of


@asynccontextmanager
async def opened(tools: Callable[[], Iterable[RunnableTool]], place: Path, stops: Callable[[Path], bool] | None) -> AsyncIterator[Subject]:
    runnable, trail = list(tools()), Trail()
    behind = tools_of(SystemClock(), runnable, trail=trail)
    kind, here = runnable[0].tool.tool_type, {"place": str(place)}
    is_stopped = None if stops is None else partial(stops, place)
    subject = Subject(kind, behind, trail, partial(_notes, place), CODE, given=here, is_stopped=is_stopped, ends=(place / "go").touch)
    yield subject
    subject.ends()


def _notes(place: Path) -> Sequence[str]:
    notes = place / NOTES
    return notes.read_text().split() if notes.exists() else ()


def _says_so(place: Path) -> bool:
    return "stopped" in _notes(place)


def _is_gone(place: Path) -> bool:
    """Its process is."""
    return not Path("/proc", (place / PROCESS).read_text()).exists()


def _in_a_thread(function: Callable[..., object]) -> Callable[..., object]:
    """The same function, declared to run in a thread."""

    @wraps(function)
    def beside(*args: object, **named: object) -> object:
        return function(*args, **named)

    setattr(beside, MARK, replace(declaration_of(function), in_process=False))
    return beside


def _as_ours(function: Callable[..., object]) -> RunnableTool:
    made = native_tool(function)
    return RunnableTool(replace(made.tool, tool_type=ToolType.BUILTIN), made.run)


PYTHON: dict[str, Opens] = {
    "builtin": partial(opened, lambda: map(_as_ours, ASYNC), stops=_says_so),
    "native, async": partial(opened, lambda: map(native_tool, ASYNC), stops=_says_so),
    "native, in a thread": partial(opened, lambda: map(native_tool, map(_in_a_thread, PLAIN)), stops=None),
    "native, in a process": partial(opened, lambda: map(native_tool, PLAIN), stops=_is_gone),
}
