"""Crash points and missing guards, put into a process of Weft from outside: the package's `sitecustomize` calls `arm` before Weft starts.

`FAULT_ARMS` is words between commas: `append.sent:3` kills the process at the third pass of that point; `without.epoch` takes a guard away;
`checkpoints.often` makes one every other row; `webhooks.soon` tries again within a second, and leaves a delivery to others after two.
Every name of both kinds is in `docs/reliability.md`.
"""

import asyncio
import functools
import importlib
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Call = Callable[..., Any]


@dataclass(slots=True)
class Fuse:
    """Burns down by one at each pass, and then kills the process as `kill -9` does."""

    name: str
    passes: int

    def burn(self) -> None:
        self.passes -= 1
        if self.passes == 0:
            (Path(os.environ["FAULT_FOLDER"]) / f"struck-{self.name}-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)


Wrap = Callable[[Call, Fuse], Call]


def before(call: Call, fuse: Fuse) -> Call:
    @functools.wraps(call)
    def armed(*given: Any, **named: Any) -> Any:
        fuse.burn()
        return call(*given, **named)

    return armed


def after(call: Call, fuse: Fuse) -> Call:
    """After what it awaits has come."""

    @functools.wraps(call)
    async def armed(*given: Any, **named: Any) -> Any:
        result = await call(*given, **named)
        fuse.burn()
        return result

    return armed


def after_something(call: Call, fuse: Fuse) -> Call:
    """Only passes that came to something count: a claim that got runs, a checkpoint that was made."""

    @functools.wraps(call)
    def armed(*given: Any, **named: Any) -> Any:
        result = call(*given, **named)
        if asyncio.iscoroutine(result):
            return _burnt_if_any(result, fuse)
        if result:
            fuse.burn()
        return result

    return armed


async def _burnt_if_any(coming: Awaitable[Any], fuse: Fuse) -> Any:
    result = await coming
    if result:
        fuse.burn()
    return result


def under_way(words: str) -> Wrap:
    """A statement with these words is on its way to PostgreSQL, and nobody hears the answer."""

    def wrap(call: Call, fuse: Fuse) -> Call:
        async def armed(self: Any, statement: str, *values: Any) -> Any:
            asked = asyncio.ensure_future(call(self, statement, *values))
            if words in statement:
                await asyncio.wait([asked], timeout=0.0002)
                fuse.burn()
            return await asked

        return armed

    return wrap


def answered(words: str) -> Wrap:
    """A statement with these words is committed, and nobody has been told yet."""

    def wrap(call: Call, fuse: Fuse) -> Call:
        async def armed(self: Any, statement: str, *values: Any) -> Any:
            rows = await call(self, statement, *values)
            if words in statement:
                fuse.burn()
            return rows

        return armed

    return wrap


def answered_row(kind: str) -> Wrap:
    """A row of this kind is committed, and nobody has been told yet."""

    def wrap(call: Call, fuse: Fuse) -> Call:
        async def armed(self: Any, statement: str, *values: Any) -> Any:
            rows = await call(self, statement, *values)
            if any(kind == value or (isinstance(value, list) and kind in value) for value in values):
                fuse.burn()
            return rows

        return armed

    return wrap


JOURNAL, RUNS, BEAT = "INSERT INTO journal", "INSERT INTO runs", "renewed AS ("
WRITER = "infrastructure.store.postgres.connections:WriterConnection.rows"
POINTS: dict[str, tuple[str, Wrap]] = {
    "claim.before": ("infrastructure.store.postgres.queue:PostgresQueue.claim", before),
    "claim.after": ("infrastructure.store.postgres.queue:PostgresQueue.claim", after_something),
    "load.before": ("application.engine:Engine.open", before),
    "load.after": ("application.engine:Engine.open", after),
    "append.before": ("infrastructure.store.postgres.writer:PostgresWriter.append", before),
    "append.sent": (WRITER, under_way(JOURNAL)),
    "append.committed": (WRITER, answered(JOURNAL)),
    "append.told": ("application.drive:Drive._write", after),
    "effect.before": ("infrastructure.nodes.tool:ToolCall.__call__", before),
    "effect.after": ("infrastructure.nodes.tool:ToolCall.__call__", after),
    "reserve.before": ("infrastructure.nodes.llm:LlmCall.reserve", before),
    "reserve.durable": (WRITER, answered_row("reserved")),
    "model.before": ("infrastructure.nodes.llm:LlmCall.__call__", before),
    "model.after": ("infrastructure.nodes.llm:LlmCall.__call__", after),
    "result.before": ("application.executing:settle", before),
    "checkpoint.made": ("application.drive:Drive._checkpoint", after_something),
    "park.before": ("application.engine:park_if_idle", before),
    "park.after": ("application.engine:park_if_idle", after_something),
    "finish.before": ("application.engine:finish_run", before),
    "finish.after": ("application.engine:finish_run", after),
    "release.before": ("infrastructure.store.postgres.queue:PostgresQueue.release", before),
    "release.after": ("infrastructure.store.postgres.queue:PostgresQueue.release", after),
    "stop.before": ("application.engine:stop_all", before),
    "intent.before": ("application.executing:may_call", before),
    "intent.durable": (WRITER, answered_row("effect_intended")),
    "wishes.before": ("infrastructure.store.postgres.queue:PostgresInbox.waiting", before),
    "beat.sent": (WRITER, under_way(BEAT)),
    "beat.answered": (WRITER, answered(BEAT)),
    "start.before": ("infrastructure.store.postgres.runs:PostgresStarts.start", before),
    "start.sent": (WRITER, under_way(RUNS)),
    "start.committed": (WRITER, answered(RUNS)),
    "answer.before": ("application.answering:AnswerRun._answer", before),
    "answer.marked": ("application.answering:read", before),
    "wish.put": ("infrastructure.store.postgres.queue:PostgresInbox.put", after),
}
"""Name -> the function that is wrapped, and how. Several points may share a function."""
OF_THE_API = ("start.before", "start.sent", "start.committed", "answer.before", "answer.marked", "wish.put")


def arm(words: str) -> None:
    for word in words.split(","):
        name, _, number = word.partition(":")
        if name.startswith("without."):
            from tests.integration.faults.guards import GUARDS

            GUARDS[name.removeprefix("without.")].remove()
        elif name == "checkpoints.often":
            setattr(*place("application.checkpoints:CHECKPOINT_ROWS"), 2)
            setattr(*place("application.checkpoints:_BYTES_OF_A_ROW"), 1_000_000)
        elif name == "webhooks.soon":
            setattr(*place("application.delivering:HELD_SECONDS"), 2.0)
            setattr(*place("domain.webhook:RETRY_SECONDS"), (0.2, *[0.5] * 8))
        else:
            where, wrap = POINTS[name]
            owner, attribute = place(where)
            setattr(owner, attribute, wrap(getattr(owner, attribute), Fuse(name, int(number or 1))))


def place(where: str) -> tuple[Any, str]:
    """The object that holds the function, and its name there."""
    module, _, path = where.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, attribute = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    return owner, attribute
