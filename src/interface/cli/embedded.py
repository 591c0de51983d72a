"""`weft run`: one run in this process, without a server."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from application.access import LOCAL_ADMIN
from application.errors import NotFound, Problem, ValidationError
from application.run_orders import RunOrder
from application.run_views import EndView, EventView, RunView
from application.runs import CancelOrder
from interface.cli.asking import ASKED, PAUSE, is_interactive
from interface.cli.documents import is_file, read_document
from interface.cli.failures import CommandFailed, Exit, detail, located
from interface.cli.happenings import Members, happening_of
from interface.cli.launcher import App, Launcher
from interface.cli.stopping import Stop, listening_for_signals, opened_unless_stopped

if TYPE_CHECKING:
    from interface.cli.live import Display
    from interface.cli.recording import Recorder
    from interface.yaml import LoadedDocument

_ELSEWHERE: Final = (
    "`weft run` looks into the database of this folder, or --database; what is published at a service, `weft runs start` starts there"
)
LOOK_SECONDS: Final = 0.5
CANCEL_SECONDS: Final = 10.0
"""How long a run that was asked to stop may take before the command ends without it."""


async def run_here(
    launcher: Launcher,
    reference: str,
    given: Members,
    *,
    watch: bool,
    stops: Members | None = None,
    recorder: "Recorder | None" = None,
    **flags: object,
) -> tuple[RunView | None, int]:
    """The run as it stands at the end, or where it waits for a person, and the command's exit code; no run when it was interrupted before
    there was one. `stops`: its breakpoints; `recorder`: makes a cassette of it."""
    loaded = read_document(Path(reference)) if is_file(reference) else None
    order = _order(reference, loaded, given, stops or {})

    async def begin(app: App) -> str:
        return (await _started(app, order, reference, loaded)).id

    return await _carried(launcher, begin, watch, flags, recorder=recorder)


async def go_on_here(
    launcher: Launcher,
    run: str,
    what: Members,
    answer: object,
    *,
    acts: int,
    watch: bool,
    recorder: "Recorder | None" = None,
    **flags: object,
) -> tuple[RunView | None, int]:
    """The same for a run that waited. `what`: what for; `answer`: what was said to its question; `acts`: how often it was let go on, this
    time included."""

    async def act(app: App) -> str:
        if what["kind"] == PAUSE:
            await app.desk.control.resume(LOCAL_ADMIN, run)
        else:
            from application.answering import AnswerOrder

            order = AnswerOrder.model_validate({"activation": what["activation"], "answer": answer})
            await app.desk.answer_run(LOCAL_ADMIN, run, order)
        return run

    return await _carried(launcher, act, watch, flags, acts, recorder)


async def _carried(
    launcher: Launcher,
    begin: Callable[[App], Awaitable[str]],
    watch: bool,
    flags: dict[str, object],
    acts: int = 0,
    recorder: "Recorder | None" = None,
) -> tuple[RunView | None, int]:
    with listening_for_signals() as stop:
        async with AsyncExitStack() as stack:
            opening = launcher.open_app(patient=False, **flags) if recorder is None else launcher.open_taped(recorder.tape, **flags)
            app = await opened_unless_stopped(stack, opening, stop)
            if app is None:
                return None, stop.exit_code
            run = await app.desk.get_run(LOCAL_ADMIN, await begin(app))
            await _to_its_end(app, run, stop, watch, acts)
            ended = await app.desk.get_run(LOCAL_ADMIN, run.id)
            if recorder is not None:
                await recorder.keep(app, ended)
    return ended, stop.exit_code if stop.asked.is_set() else _exit_code(ended)


def _order(reference: str, loaded: "LoadedDocument | None", given: Members, stops: Members) -> RunOrder:
    from pydantic import ValidationError as Misfit

    try:
        return RunOrder(workflow=reference if loaded is None else loaded.document, input=given, **stops)
    except Misfit as misfit:
        wanted = (
            "a workflow's name, as `triage` or `triage@1.2.0`, or a file" if loaded is None else "a workflow document, which is a mapping"
        )
        raise CommandFailed(f"{reference} is not {wanted}") from misfit


async def _started(app: App, order: RunOrder, reference: str, loaded: "LoadedDocument | None") -> RunView:
    try:
        return (await app.desk.start_run(LOCAL_ADMIN, order)).view
    except ValidationError as error:
        if loaded is None:
            raise
        raise CommandFailed(error.message, [_placed(problem, reference, loaded) for problem in error.problems]) from error
    except NotFound as error:
        raise CommandFailed(error.message, [_ELSEWHERE]) from error


def _placed(problem: Problem, file: str, loaded: "LoadedDocument") -> str:
    """The order holds the document at `/workflow`; who wrote the document knows nothing of the order."""
    if not problem.pointer.startswith("/workflow"):
        return located(problem)
    pointer = problem.pointer.removeprefix("/workflow")
    line, column = loaded.locate(pointer) or (None, None)
    return detail(pointer, problem.message, problem.code, file, line, column)


async def _to_its_end(app: App, run: RunView, stop: Stop, watch: bool, acts: int) -> None:
    """Works until the run has ended, waits for somebody once more, or was asked to stop and had its time to."""
    working = asyncio.create_task(app.worker.run())
    following = asyncio.create_task(_follow(app, run, watch))
    asked = asyncio.create_task(stop.asked.wait())
    waiting = asyncio.create_task(_waits_for_somebody(app, run, acts))
    try:
        await asyncio.wait({working, following, asked, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if asked.done() and not following.done():
            await app.desk.cancel_run(LOCAL_ADMIN, run.id, CancelOrder(reason="interrupted at the terminal"))
            await asyncio.wait({working, following}, timeout=CANCEL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
    finally:
        app.worker.stop()
        following.cancel()
        asked.cancel()
        waiting.cancel()
        await asyncio.gather(following, asked, waiting, return_exceptions=True)
        await working


async def _waits_for_somebody(app: App, run: RunView, acts: int) -> None:
    """Returns when it does, after it heard of what was said so far, and when it has ended. What waits for a signal goes on by itself here,
    as far as anybody can tell."""
    heard = await app.desk.follow_run(LOCAL_ADMIN, run.id)
    while acts:
        item = await anext(heard, None)
        acts -= isinstance(item, EventView) and item.type in ("answered", "resumed")
        if isinstance(item, EndView):
            return
    while True:
        seen, _ = await app.desk.wait_for_run(LOCAL_ADMIN, run.id, 3_600.0)
        if seen.ended_at is not None or is_asking(seen):
            return
        await asyncio.sleep(LOOK_SECONDS)


def is_asking(run: RunView) -> bool:
    """It is parked, and somebody at the terminal could let it go on. Where nobody sits there, it waits for its deadline."""
    asked = [what for what in run.waiting_for if what.kind in ASKED]
    return run.status == "parked" and bool(asked) and (is_interactive() or any(what.until is None for what in asked))


async def _follow(app: App, run: RunView, watch: bool) -> None:
    with _display(run, watch) as shown:
        async for item in await app.desk.follow_run(LOCAL_ADMIN, run.id, passing=watch):
            if item is not None and shown is not None:
                shown.see(happening_of(item))


def _display(run: RunView, watch: bool) -> "AbstractContextManager[Display | None]":
    if not watch:
        return nullcontext()
    from interface.cli.live import display

    return display(run.workflow)


def _exit_code(run: RunView) -> int:
    return Exit.DONE if run.status == "completed" else Exit.FAILED
