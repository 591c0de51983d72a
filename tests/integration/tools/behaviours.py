"""The behaviours as Python functions: plain ones, which run in a thread or a process, and async ones. `place`: a folder for notes."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from domain.errors import ToolError
from tests.integration.tools.subject import MOST_BYTES
from weft import ToolContext, tool

CODE = "no_luck"
NOTES = "notes"
PROCESS = "process"


def note(place: str, what: str) -> None:
    with (Path(place) / NOTES).open("a") as file:
        file.write(f"{what}\n")


@tool(in_process=True)
def echo(text: str, place: str) -> dict[str, str]:
    """Say it again."""
    return {"text": text}


@tool(in_process=True)
def fail(place: str) -> dict[str, str]:
    """Refuse."""
    raise ToolError("no \x1b[31mluck", CODE)


@tool(in_process=True)
def wait(place: str) -> dict[str, str]:
    """Wait to be let go."""
    (Path(place) / PROCESS).write_text(f"{os.getpid()}")
    note(place, "began")
    while not (Path(place) / "go").exists():
        time.sleep(0.002)
    return {"text": "gone on"}


@tool(in_process=True, output_bytes=MOST_BYTES)
def long(size: int, place: str) -> dict[str, str]:
    """Return so many characters."""
    return {"text": "x" * size}


@tool(in_process=True)
def steps(place: str, context: ToolContext) -> dict[str, str]:
    """Tell how far it is, and wait until that was heard."""
    context.progress(0.5, "half of it")
    while not (Path(place) / "heard").exists():
        time.sleep(0.002)
    return {"text": "done"}


@tool(in_process=True)
def about(place: str, context: ToolContext) -> dict[str, str]:
    """What it was told."""
    return {"text": json.dumps({"key": context.idempotency_key, "trace": context.traceparent})}


@tool(in_process=True, effects="once")
def act(place: str) -> dict[str, str]:
    """Touch the world."""
    note(place, "acted")
    return {"text": "acted"}


PLAIN: tuple[Callable[..., object], ...] = (about, act, echo, fail, long, steps, wait)


async def _echo(text: str, place: str) -> dict[str, str]:
    """Say it again."""
    return {"text": text}


async def _fail(place: str) -> dict[str, str]:
    """Refuse."""
    raise ToolError("no \x1b[31mluck", CODE)


async def _wait(place: str) -> dict[str, str]:
    """Wait to be stopped."""
    note(place, "began")
    try:
        await asyncio.Event().wait()
    finally:
        note(place, "stopped")
    return {}


async def _long(size: int, place: str) -> dict[str, str]:
    """Return so many characters."""
    return {"text": "x" * size}


async def _steps(place: str, context: ToolContext) -> dict[str, str]:
    """Tell how far it is."""
    context.progress(0.5, "half of it")
    return {"text": "done"}


async def _about(place: str, context: ToolContext) -> dict[str, str]:
    """What it was told."""
    return {"text": json.dumps({"key": context.idempotency_key, "trace": context.traceparent})}


async def _act(place: str) -> dict[str, str]:
    """Touch the world."""
    note(place, "acted")
    return {"text": "acted"}


ASYNC: tuple[Callable[..., object], ...] = (
    tool(name="about")(_about),
    tool(name="act", effects="once")(_act),
    tool(name="echo")(_echo),
    tool(name="fail")(_fail),
    tool(name="long", output_bytes=MOST_BYTES)(_long),
    tool(name="steps")(_steps),
    tool(name="wait")(_wait),
)
