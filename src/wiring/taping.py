"""A process that writes a tape of what its runs ask, or plays one."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from domain.cassette import Playback, Recording
from infrastructure.clock import SystemClock
from infrastructure.secrets.redacted import redacted
from infrastructure.secrets.redactor import Redactor
from infrastructure.store.later import Later
from infrastructure.tools.catalog import Catalog
from settings import Settings

if TYPE_CHECKING:
    from domain.ports.models import Models

Tape: TypeAlias = Recording | Playback
_DAY: Final = 86_400.0
"""Nobody else takes the runs of a process that plays a tape: looking again and again would be all that it does while a month passes."""


def settings_of(settings: Settings, tape: Tape | None) -> Settings:
    """To play a tape, nothing outside this process is needed: no database, no server, no key."""
    if not isinstance(tape, Playback):
        return settings
    keyless = {name: {key: said for key, said in row.items() if key != "api_key"} for name, row in settings.model_endpoints.items()}
    here = {"database_url": "memory:", "redis_url": None, "mcp_servers": {}, "policy": None, "secrets": {}, "model_endpoints": keyless}
    return settings.model_copy(update=here | {"metrics": False, "otlp_endpoint": None, "poll_seconds": _DAY, "lease_seconds": _DAY})


def clock_of(tape: Tape | None) -> SystemClock:
    if not isinstance(tape, Playback):
        return SystemClock()
    from infrastructure.leaping import LeapingClock

    return LeapingClock(tape.since)


def leaping_loop() -> asyncio.AbstractEventLoop:
    """To play a tape in."""
    from infrastructure.leaping import LeapingLoop

    return LeapingLoop()


def taped_models(models: Later, tape: Tape | None, redactor: Redactor) -> Later:
    """Outermost: what stands on a tape is what a node asked, and nothing before it has to be there when it is played."""
    if tape is None:
        return models
    _clean(tape, redactor)
    from infrastructure.cassettes.models import PlayedModels, TapedModels

    inner = cast("Models", models)
    return Later(lambda: PlayedModels(inner, tape) if isinstance(tape, Playback) else TapedModels(inner, tape))


def taped_catalog(catalog: Catalog, tape: Tape | None, redactor: Redactor) -> Catalog:
    if tape is None:
        return catalog
    _clean(tape, redactor)
    from infrastructure.cassettes.tools import TapedCatalog

    return cast("Catalog", TapedCatalog(catalog, tape))


def _clean(tape: Tape, redactor: Redactor) -> None:
    tape.clean = partial(redacted, redact=redactor.nameless)
