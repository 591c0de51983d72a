"""A cassette, made of a run that was recorded."""

import json
from collections.abc import Sequence
from typing import Any, Final, cast

from pydantic import JsonValue

from application.access import LOCAL_ADMIN
from application.cassettes.documents import CallPart, CamePart, Cassette
from application.cassettes.outcome import answers_in, came_of, signals_in
from application.cassettes.prompts import pinned, prompts_of
from application.desk import Desk
from application.run_views import EventView, RunView
from application.used_prompts import workflows_among
from application.versions import name_and_version
from domain.cassette import Recording
from domain.json import Json

_PAGE: Final = 1_000


async def cassette_of(desk: Desk, run: RunView, document: JsonValue, tape: Recording) -> Cassette:
    """What is secret is taken out of every part of it."""
    rows = await rows_of(desk, run)
    about: dict[str, Any] = {
        "recorded_at": run.created_at.isoformat(),
        "workflow": document,
        "workflows": await _others(desk, run),
        "prompts": await prompts_of(desk, run.versions),
        "pins": pinned(run.versions),
        "input": run.input,
        "answers": [answer.model_dump(mode="json") for answer in answers_in(rows)],
        "signals": [signal.model_dump(mode="json") for signal in signals_in(rows)],
        "came": CamePart.of(came_of(run, rows)).model_dump(mode="json"),
        "tools": [tape.tools[name] for name in sorted(tape.tools)],
    }
    clean = cast("dict[str, Any]", tape.clean(cast(Json, about)))
    return Cassette.model_validate({**clean, "calls": [CallPart.of(call) for call in tape.calls]})


async def rows_of(desk: Desk, run: RunView) -> Sequence[EventView]:
    """All that there are so far."""
    found: list[EventView] = []
    after = 0
    while page := json.loads(await desk.read_rows.of_run(LOCAL_ADMIN, run.id, after, _PAGE))["items"]:
        found += [EventView.model_validate(row) for row in page]
        after = found[-1].position
    return found


async def _others(desk: Desk, run: RunView) -> list[JsonValue]:
    """The workflows that it names, each version once."""
    views = [await desk.get_workflow(LOCAL_ADMIN, *name_and_version(reference)) for reference in sorted(workflows_among(run.versions))]
    return list({view.hash: cast(JsonValue, view.document) for view in views}.values())
