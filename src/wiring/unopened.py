"""What the commands ask that needs no open service: settings, the schema of the database, and whether all is well."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from infrastructure.clock import SystemClock
from infrastructure.schemas import JsonSchemas
from infrastructure.store import migrate
from infrastructure.telemetry import logging
from settings import Settings, read_settings
from wiring.examining import examination_of
from wiring.secrets import redactor_of
from wiring.showing import ShownSetting, shown
from wiring.strangers import unknown_variables
from wiring.taping import leaping_loop

if TYPE_CHECKING:
    from application.examination_views import ExaminationView


class Unopened:
    """The part of `interface.cli.launcher.Launcher` that opens nothing for longer than it looks."""

    leaping_loop = staticmethod(leaping_loop)

    def settings(self, **flags: object) -> Settings:
        return read_settings(**flags)

    def shown(self, **flags: object) -> list[ShownSetting]:
        return shown(read_settings(**flags))

    def unknown(self) -> Sequence[str]:
        return unknown_variables(os.environ)

    async def examine(self, **flags: object) -> "ExaminationView":
        settings = read_settings(**flags)
        logging.configure(settings.log, settings.log_pretty, redactor_of(settings).in_log)
        return await examination_of(settings, SystemClock(), self.unknown())

    def schemas(self) -> JsonSchemas:
        return JsonSchemas()

    def upgrade(self, **flags: object) -> str:
        url = read_settings(**flags).database_url
        migrate.upgrade(url)
        return migrate.HEAD

    def schema(self, **flags: object) -> tuple[str | None, str]:
        return migrate.current(read_settings(**flags).database_url), migrate.HEAD
