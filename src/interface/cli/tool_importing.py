"""What `weft tools import` does: convert, write or register, and say what came of it."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from application.errors import ValidationError
from application.openapi import MOST_BYTES, MOST_VALUES, Import, Outcome, Wanted, gathered
from interface.cli.client import Server, connected
from interface.cli.documents import read_document, write_text
from interface.cli.failures import CommandFailed, Exit, of_weft_error
from interface.cli.happenings import Members
from interface.cli.launcher import Launcher
from interface.cli.tool_import_report import print_report
from interface.yaml import Room

METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_SECRET: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
AT_ONCE: Final = 200
BYTES_AT_ONCE: Final = 2 * 1024 * 1024
Send = Callable[[str, Mapping[str, object]], None]


@dataclass(frozen=True, slots=True)
class Destination:
    """Neither a dry run nor `out`: they are registered at `server`."""

    is_dry: bool
    out: Path | None
    server: str | None
    key: str | None


@dataclass(slots=True)
class Sent:
    """What became of the tools. `refused`: by name, with the service's sentence."""

    done: str = "would be tools"
    new: int = 0
    replaced: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def wanted(
    only: str | None,
    tags: Sequence[str] | None,
    paths: Sequence[str] | None,
    operations: Sequence[str] | None,
    *,
    prefix: str,
    server: str,
    secrets: Sequence[str] | None,
    checks_answers: bool,
) -> Wanted:
    """`CommandFailed` for an option that cannot be meant so."""
    methods = frozenset(method.strip().upper() for method in (only or "").split(",") if method.strip())
    if strange := sorted(methods.difference(METHODS)):
        raise CommandFailed(f"--only {strange[0]} is no method: {', '.join(METHODS)}")
    return Wanted(
        methods,
        frozenset(tags or ()),
        tuple(paths or ()),
        frozenset(operations or ()),
        prefix,
        server,
        _named(secrets or ()),
        checks_answers,
    )


def _named(secrets: Sequence[str]) -> Mapping[str, str]:
    pairs = [written.rpartition("=") for written in secrets]
    for scheme, _, name in pairs:
        if not scheme or not _SECRET.fullmatch(name):
            message = f"--secret {scheme or name} must be SCHEME=NAME, the name in small letters, digits and _, at most 48"
            raise CommandFailed(message)
    return {scheme: name for scheme, _, name in pairs}


def imported(launcher: Launcher, file: Path, choice: Wanted, destination: Destination, *, as_json: bool) -> int:
    """The exit code: 1 when the service refused a tool, 2 when nothing could be imported."""
    document = read_document(file, Room(MOST_BYTES, MOST_VALUES)).document
    if not isinstance(document, dict):
        raise CommandFailed(f"{file}: an OpenAPI document is an object")
    try:
        operations = Import.of(document, choice, launcher.schemas())
    except ValidationError as error:
        raise of_weft_error(error, str(file)) from error
    sent = Sent()
    with _sending(destination, sent) as send, _progress(len(operations)) as advance:
        found = gathered(_each(operations, send, advance))
    print_report(found, sent, as_json=as_json)
    return Exit.FAILED if sent.refused else Exit.DONE if found.tools else Exit.WRONG_USE


def _each(operations: Import, send: Send, advance: Callable[[], None]) -> Iterator[Outcome]:
    """One tool at a time: it is gone before the next is made."""
    for one in operations:
        if one.tool is not None:
            send(str(one.tool["name"]), one.tool)
        advance()
        yield one


@contextmanager
def _sending(destination: Destination, sent: Sent) -> Iterator[Send]:
    if destination.is_dry:
        yield _nowhere
    elif destination.out is not None:
        sent.done = f"are written to {destination.out}"
        yield partial(_write, _made(destination.out), sent)
    else:
        sent.done = "are registered"
        with connected(destination.server, destination.key) as there, ThreadPoolExecutor(1) as beside:
            batch = Batch(there, sent, beside)
            yield batch.add
            batch.send()
            batch.hear()


def _nowhere(name: str, tool: Mapping[str, object]) -> None:
    """A dry run."""


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f"{folder} is no folder and cannot be made one: {error.strerror}") from error
    return folder


def _write(folder: Path, sent: Sent, name: str, tool: Mapping[str, object]) -> None:
    # What is half a character in the document must not stop the others.
    text = json.dumps(tool, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
    write_text(text, folder / f"{name}.json")
    sent.new += 1


@dataclass(slots=True)
class Batch:
    """Tools that are registered together: a request for each would take minutes for a large document. `beside`: a thread that sends one
    batch and waits for its answer while the next is made."""

    there: Server
    sent: Sent
    beside: Executor
    texts: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    under_way: "Future[Members] | None" = None

    def add(self, name: str, tool: Mapping[str, object]) -> None:
        self.texts[name] = text = json.dumps(tool)
        self.bytes += len(text)
        if len(self.texts) >= AT_ONCE or self.bytes >= BYTES_AT_ONCE:
            self.send()

    def send(self) -> None:
        if not self.texts:
            return
        texts, self.texts, self.bytes = self.texts, {}, 0
        self.hear()
        self.under_way = self.beside.submit(self._registered, texts.values())

    def _registered(self, documents: Iterable[str]) -> Members:
        body = f'{{"documents": [{", ".join(documents)}]}}'
        return self.there.post_document("/v1/tools/batch", body.encode(), "application/json", "")[0]

    def hear(self) -> None:
        """Wait for what became of the batch under way."""
        if self.under_way is None:
            return
        told, self.under_way = self.under_way.result(), None
        self.sent.new += len(told["new"])
        self.sent.replaced += len(told["replaced"])
        for one in told["refused"]:
            self.sent.refused[one["name"]] = "; ".join(f"{problem['pointer']}: {problem['message']}" for problem in one["problems"])


@contextmanager
def _progress(of: int) -> Iterator[Callable[[], None]]:
    """A bar, where somebody watches."""
    if not sys.stderr.isatty():
        yield _unwatched
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield partial(shown.advance, shown.add_task("operations", total=of))


def _unwatched() -> None:
    """Nobody looks."""
