"""`weft validate` and `weft graph`: documents looked at without a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from application.access import LOCAL_ADMIN
from application.documents import parse_graph
from application.errors import DomainError, ValidationError
from application.prompt_documents import PromptDocument
from application.validation import placed
from interface.cli.documents import read_document
from interface.cli.failures import CommandFailed, Exit, located, of_weft_error
from interface.cli.launcher import App, Launcher, quiet
from interface.fitting import fitted

if TYPE_CHECKING:
    from interface.yaml import LoadedDocument

IN_MEMORY = "memory:"


IN_MEMORY = "memory:"


async def validate(launcher: Launcher, files: Sequence[Path], database: str | None) -> int:
    """Prints every problem and warning of every file; the exit code. Workflows and prompts that a file names must be in `database`, else
    among them."""
    documents, unreadable = _read_all(files)
    async with launcher.open_app(patient=False, database_url=database or IN_MEMORY, log=quiet()) as app:
        if database is None:
            await _publish_what_can_be(app, list(documents.values()))
        found = [await _check(app, file, loaded) for file, loaded in documents.items()]
    return Exit.DONE if all(found) and not unreadable else Exit.WRONG_USE


def _read_all(files: Sequence[Path]) -> tuple[dict[Path, "LoadedDocument"], int]:
    """What could be read; says of the others why not, and counts them."""
    documents: dict[Path, LoadedDocument] = {}
    unreadable = 0
    for file in files:
        try:
            documents[file] = read_document(file)
        except CommandFailed as failed:
            print(*(failed.details or [failed.sentence]), sep="\n")
            unreadable += 1
    return documents, unreadable


async def _publish_what_can_be(app: App, documents: list["LoadedDocument"]) -> None:
    """In memory only. One may name another: as long as a round publishes something, the next may publish more."""
    while documents:
        left = []
        for loaded in documents:
            try:
                await _publish(app, loaded.document)
            except DomainError:
                left.append(loaded)
        if len(left) == len(documents):
            return
        documents = left


async def _publish(app: App, document: Any) -> None:
    if _is_prompt(document):
        await app.desk.prompts.publish(LOCAL_ADMIN, fitted(PromptDocument, document))
    else:
        await app.desk.publish_workflow(LOCAL_ADMIN, document)


def _is_prompt(document: Any) -> bool:
    return isinstance(document, dict) and "prompt" in document and "nodes" not in document


async def _check(app: App, file: Path, loaded: "LoadedDocument") -> bool:
    if _is_prompt(loaded.document):
        return await _check_prompt(app, file, loaded)
    found = await app.desk.validate_workflow(LOCAL_ADMIN, loaded.document, loaded.locate)
    for problem in found.problems:
        print(located(problem, str(file)))
    for warning in found.warnings:
        print(f"{located(warning, str(file))} [warning]")
    if found.valid:
        print(f"{file}: valid")
    return found.valid


async def _check_prompt(app: App, file: Path, loaded: "LoadedDocument") -> bool:
    try:
        await app.desk.prompts.check(LOCAL_ADMIN, fitted(PromptDocument, loaded.document))
    except ValidationError as error:
        for problem in placed(error.problems, loaded.locate):
            print(located(problem, str(file)))
        return False
    print(f"{file}: valid")
    return True


async def draw(launcher: Launcher, file: Path, language: str) -> str:
    """A picture of the file's graph as text."""
    loaded = read_document(file)
    try:
        graph = parse_graph(loaded.document)
    except ValidationError as error:
        told = ValidationError(error.message, list(placed(error.problems, loaded.locate)))
        raise of_weft_error(told, str(file)) from error
    async with launcher.open_app(patient=False, database_url=IN_MEMORY, log=quiet()) as app:
        languages = app.desk.draw_workflow.languages
        if language not in languages:
            raise CommandFailed(f"--format {language} is not known: use {', '.join(sorted(languages))}")
        return languages[language](graph)
