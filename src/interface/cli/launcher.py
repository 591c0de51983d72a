"""What the commands ask of the composition root. `bootstrap.Launcher` answers; nothing heavy is imported until a method is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp

    from application.cassettes import Tape
    from application.desk import Desk
    from application.examination_views import ExaminationView
    from application.openapi import Schemas
    from application.working import Worker


class ServiceSettings(Protocol):
    """What the commands read of an owner's settings; see `settings.py`."""

    @property
    def database_url(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def metrics_port(self) -> int | None: ...
    @property
    def grace_seconds(self) -> float: ...
    @property
    def mcp_seconds(self) -> float: ...


class SettingLine(Protocol):
    """One setting as `weft config show` prints it: `value` with secrets hidden, `source` one of default, file, environment, flag."""

    @property
    def variable(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def description(self) -> str: ...


class App(Protocol):
    """One process's Weft. The worker works only while somebody runs `worker.run()`."""

    @property
    def settings(self) -> ServiceSettings: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def worker(self) -> Worker: ...

    def rest(self, stopping: asyncio.Event) -> ASGIApp:
        """The REST interface. Open streams end when `stopping` is set."""

    async def work(self) -> None:
        """Carry runs until `worker.stop()`."""

    def metrics(self) -> tuple[bytes, str]:
        """The text for Prometheus, and its content type."""


class Launcher(Protocol):
    """`flags`: settings by their names; None means not given. A wrong setting is an `application.errors.ValidationError`
    with one problem for each, which names its variable."""

    def settings(self, **flags: object) -> ServiceSettings: ...

    def shown(self, **flags: object) -> Sequence[SettingLine]: ...

    def unknown(self) -> Sequence[str]:
        """A sentence for each variable `WEFT_*` that is no setting."""

    def open_app(self, *, patient: bool = False, **flags: object) -> AbstractAsyncContextManager[App]:
        """Configures the logs as the settings say, brings the database up to date, opens everything; closes in reverse.

        `DatabaseError` when the database does not answer; with `patient` it waits for it, and says so in the log."""

    def open_taped(self, tape: Tape, /, **flags: object) -> AbstractAsyncContextManager[App]:
        """The same, and what models and tools are asked comes onto the tape, or is answered from it. One that is played needs nothing
        outside this process, and its runs a `leaping_loop`."""

    def upgrade(self, **flags: object) -> str:
        """Bring the database to this version's schema, and say which that is."""

    def schema(self, **flags: object) -> tuple[str | None, str]:
        """The revision the database stands at (None: no schema yet), and the newest one."""

    def leaping_loop(self) -> asyncio.AbstractEventLoop:
        """To play a tape in: nothing waits for its time."""

    def schemas(self) -> Schemas:
        """What compiles JSON Schemas, as it does for the tools of a service."""

    async def examine(self, **flags: object) -> ExaminationView:
        """How the database and Redis that the settings name are. Changes nothing; what does not answer is a finding."""


def quiet() -> str | None:
    """The setting `log` of commands that speak for themselves: errors only, unless the owner said otherwise."""
    return None if "WEFT_LOG" in os.environ else "error"
