"""`weft validate`, `weft graph` and `weft import`: documents looked at without a server."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from application.access import LOCAL_ADMIN
from application.documents import parse_graph
from application.errors import ValidationError
from interface.cli.documents import read_document
from interface.cli.failures import CommandFailed, Exit, located, of_weft_error
from interface.cli.launcher import Launcher

if TYPE_CHECKING:
    from application.workflow_views import ValidationView

IN_MEMORY = "memory:"


async def validate(launcher: Launcher, files: Sequence[Path], database: str | None) -> int:
    """Prints every problem and warning of every file; the exit code. Workflows that others name must be in `database`, or among the files."""
    invalid = 0
    async with launcher.open_app(database_url=database or IN_MEMORY, log=_QUIET) as app:
        for file in files:
            try:
                loaded = read_document(file)
            except CommandFailed as unreadable:
                print(*(unreadable.details or [unreadable.sentence]), sep="\n")
                invalid += 1
                continue
            found = await app.desk.validate_workflow(LOCAL_ADMIN, loaded.document, loaded.locate)
            _print(found, str(file))
            invalid += not found.valid
    return Exit.WRONG_USE if invalid else Exit.DONE


def _print(found: "ValidationView", file: str) -> None:
    for problem in found.problems:
        print(located(problem, file))
    for warning in found.warnings:
        print(f"{located(warning, file)} [warning]")
    if found.valid:
        print(f"{file}: valid")


async def draw(launcher: Launcher, file: Path, language: str) -> str:
    """A picture of the file's graph as text."""
    loaded = read_document(file)
    try:
        graph = parse_graph(loaded.document)
    except ValidationError as error:
        raise of_weft_error(error, str(file)) from error
    async with launcher.open_app(database_url=IN_MEMORY, log=_QUIET) as app:
        languages = app.desk.draw_workflow.languages
        if language not in languages:
            raise CommandFailed(f"--format {language} is not known: use {', '.join(sorted(languages))}")
        return languages[language](graph)


_QUIET = "error"
