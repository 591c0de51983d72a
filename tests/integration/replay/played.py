"""Runs that are recorded and played in this process, with everything but a terminal."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

from application.access import LOCAL_ADMIN
from application.cassettes import Compared, Recording, Tape
from application.cassettes.documents import CamePart, Cassette, CostPart, cassette_from
from application.cassettes.playing import Changed, perform, play, tape_of
from application.cassettes.recording import cassette_of
from application.prompt_documents import PromptDocument
from application.run_orders import RunOrder
from application.run_views import RunView
from bootstrap import App, open_app
from infrastructure.leaping import LeapingLoop
from interface.cli.replaying import Replayed
from settings import Settings
from wiring.taping import settings_of

Document = dict[str, Any]


def opened(tape: Tape | None = None, **settings: Any) -> AbstractAsyncContextManager[App]:
    chosen = Settings(database_url="memory:", metrics=False, log="error", **settings)
    return open_app(settings_of(chosen, tape), tape=tape)


async def runs_of(app: App, *documents: Document, given: Mapping[str, Any] | None = None) -> list[RunView]:
    """Runs without any tape, one after the other, each to its end."""
    working, ended = asyncio.create_task(app.worker.run()), []
    try:
        for document in documents:
            started = await app.desk.start_run(LOCAL_ADMIN, RunOrder(workflow=document, input=dict(given or {})))
            ended.append((await app.desk.wait_for_run(LOCAL_ADMIN, started.view.id, 20.0))[0])
    finally:
        app.worker.stop()
        await working
    return ended


def recorded(document: Document, given: Mapping[str, Any] | None = None, others: tuple[Document, ...] = (), **script: Any) -> Document:
    """The cassette of a run, as it is written. `script`: `answers` and `signals`; `settings`."""
    settings = script.pop("settings", {})
    nothing = CamePart(status="queued", path=(), cost=CostPart(amount="0"))
    about = {"recorded_at": datetime.now(UTC), "came": nothing, "workflow": document, "workflows": others, "input": dict(given or {})}
    written = Cassette.model_validate({**about, **script})

    async def record() -> Document:
        tape = Recording()
        async with opened(tape, **settings) as app:
            run = await perform(app, written, lambda: datetime.now(UTC))
            return (await cassette_of(app.desk, run, document, tape)).document()

    return asyncio.run(record())


def replayed(cassette: Document, document: Document | None = None, prompts: tuple[Document, ...] = (), **settings: Any) -> Replayed:
    read = cassette_from(cassette)
    tape = tape_of(read, settings.get("models", {}))

    changed = Changed(document, tuple(map(PromptDocument.model_validate, prompts)))

    async def run() -> Replayed:
        async with opened(tape, **settings) as app:
            return Replayed(Compared(read.came.came(), await play(app, read, tape, changed)), tape)

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(run())
