"""Public documents as tools, and each tool called: python -m benchmarks.openapi_share DIR [--most N]

Every document under DIR (JSON or YAML) is imported. Each tool is registered as a service would, and called twice over a loopback
connection: with every argument it has, and with those alone that it needs. A judge that knows only the document says whether the
requests fit the operation. Prints one line a document, the shares, and the reasons; `--most` calls at most so many tools of each.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from application.errors import ValidationError
from application.openapi import MOST_BYTES, MOST_VALUES, Import, Wanted
from benchmarks.openapi_arguments import candidates
from benchmarks.openapi_judge import Judge
from benchmarks.openapi_received import Received
from domain.errors import WeftError
from domain.ids import TenantId
from domain.ports.tools import ToolContext
from domain.tool import ToolType
from infrastructure.clock import SystemClock
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.outgoing.door import Door
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.described import Described
from infrastructure.tools.rest.calls import RestTools
from interface.yaml import Room, load_document

TENANT: Final = TenantId("share")
CONTEXT: Final = ToolContext(TENANT, "a-key", deadline_seconds=10.0)


class Secrets:
    """Every secret there is, with its own name for a value."""

    def must_be_for(self, name: str, tenant: TenantId, host: str) -> None:
        """All are for everybody."""

    async def get(self, name: str, tenant: TenantId, host: str) -> str:
        return f"the-secret-{name}"


@dataclass
class Tally:
    """`untried`: no arguments were found that its schema takes. `reasons`: by what went wrong, with a count."""

    operations: int = 0
    imported: int = 0
    registered: int = 0
    called: int = 0
    right: int = 0
    untried: int = 0
    unjudged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, reason: str, example: str) -> None:
        self.reasons[reason] += 1
        self.examples.setdefault(reason, example)

    def add(self, other: "Tally") -> None:
        for name in ("operations", "imported", "registered", "called", "right", "untried", "unjudged"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons += other.reasons
        self.examples = {**other.examples, **self.examples}

    def line(self) -> str:
        return (
            f"{self.operations:6} operations  {self.imported:6} imported  {self.registered:6} registered  "
            f"{self.called:6} called  {self.right:6} right  {self.untried:4} untried  {self.unjudged:4} unjudged"
        )


@dataclass
class Mock:
    """A server that takes everything and keeps the last request."""

    address: str = ""
    received: Received | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                headers: dict[str, str] = {}
                while (one := await reader.readline()) not in (b"\r\n", b""):
                    name, _, value = one.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                writer.write(self._answer(Received(method, target, headers, body)))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _answer(self, received: Received) -> bytes:
        text = b"{}"
        if received.target == "/the-token":
            text = b'{"access_token": "a-token-of-its-own", "token_type": "bearer", "expires_in": 3600}'
        else:
            self.received = received
        body = b"" if received.method == "HEAD" else text
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + body


@asynccontextmanager
async def mocking() -> Any:
    mock = Mock()
    server = await asyncio.start_server(mock.serve, "127.0.0.1", 0)
    mock.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield mock


async def measured(document: Any, most: int | None, described: Described, mock: Mock) -> Tally:
    outcomes = list(Import.of(document, Wanted(server=f"{mock.address}/base"), JsonSchemas()))
    found = {one.operation: one.tool for one in outcomes if one.tool is not None}
    tally = Tally(len(outcomes), len(found))
    for one in outcomes:
        for problem in one.problems if one.tool is None else ():
            tally.note(f"left out: {problem.code}", f"{one.operation}: {problem.message}")
    judge, clock = Judge(document, "/base"), SystemClock()
    titles = list(found)
    for title in titles if most is None else sorted(random.Random(7).sample(titles, min(most, len(titles)))):
        try:
            tool = described.checked(_within(dict(found[title]), mock.address))
        except WeftError as error:
            tally.note("not registered", f"{title}: {error.message}")
            continue
        tally.registered += 1
        await _call(tool, title, judge, mock, tally, clock)
    tally.unjudged = len(judge.unjudged)
    return tally


def _within(tool: dict[str, Any], address: str) -> dict[str, Any]:
    """Tokens come from the mock, too: nothing here leaves the machine."""
    auth = [
        {"oauth2": {**one["oauth2"], "token_url": f"{address}/the-token"}} if "oauth2" in one else one
        for one in tool["config"].get("auth", ())
    ]
    return {**tool, "config": {**tool["config"], **({"auth": auth} if auth else {})}}


async def _call(tool: CheckedTool, title: str, judge: Judge, mock: Mock, tally: Tally, clock: SystemClock) -> None:
    method, _, path = title.partition(" ")
    chosen = [
        next((one for one in candidates(tool.tool.parameters, full=full) if tool.arguments.accepts(one)), None) for full in (True, False)
    ]
    if all(one is None for one in chosen):
        tally.untried += 1
        tally.note("untried", title)
        return
    tally.called += 1
    objections: list[str] = []
    for arguments in chosen:
        if arguments is not None:
            mock.received = None
            result = await tool.call(arguments, CONTEXT, clock)
            if result.error is not None:
                objections.append(f"{result.error.code}: {result.error.message}")
            elif mock.received is None:
                objections.append("nothing was sent")
            else:
                objections += judge.objections(path, method.lower(), mock.received)
    tally.right += not objections
    for said in objections[:1]:
        tally.note("wrong: " + " ".join(said.split()[:2]), f"{title}: {said[:300]}")


def documents_in(folder: Path) -> Iterator[tuple[Path, Any]]:
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".json", ".yaml", ".yml") and file.is_file():
            try:
                found = load_document(file.read_bytes(), file.suffix, Room(MOST_BYTES, MOST_VALUES)).document
            except ValidationError as error:
                print(f"{file.name}: {error.message}", file=sys.stderr)
                continue
            if isinstance(found, dict) and {"openapi", "swagger"} & found.keys():
                yield file, found


async def share(folder: Path, most: int | None, *, quiet: bool) -> Tally:
    addresses = Addresses(Allowed(names=("127.0.0.1",)))
    whole = Tally()
    async with mocking() as mock:
        described = Described(JsonSchemas(), {ToolType.REST: RestTools(Door(addresses), addresses, Secrets(), SystemClock())})
        for file, document in documents_in(folder):
            try:
                tally = await measured(document, most, described, mock)
            except ValidationError as error:
                whole.note("document refused", f"{file.name}: {error.message}")
                continue
            whole.add(tally)
            if not quiet:
                print(f"{tally.line()}  {file.relative_to(folder)}", flush=True)
    return whole


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, help="tools that are called, of each document")
    parser.add_argument("--quiet", action="store_true", help="only the sums")
    given = parser.parse_args()
    whole = asyncio.run(share(given.folder, given.most, quiet=given.quiet))
    print(f"{whole.line()}  all")
    imported, right = whole.imported / max(1, whole.operations), whole.right / max(1, whole.called)
    print(f"imported {imported:.2%} of operations; right {right:.2%} of the tools called")
    for reason, count in whole.reasons.most_common():
        print(f"{count:7}  {reason}  (such as {whole.examples[reason]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
