"""The effect ledger: a process that is told every call of a tool or a model, and writes it down before it answers.

The engine is never its own witness: what the checker knows of the world, it knows from here. `python -m tests.integration.faults.ledger`.
"""

import asyncio
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.architecture.places import ROOT
from tests.servers import web
from tests.servers.commands import Commands, Running
from tests.servers.ports import free_port
from tests.servers.until import until

COMPLETION_TOKENS = 7
SORRY, SORRY_SHARE = 500, 0.3
"""What a hook is answered sometimes, and how often."""


@dataclass(frozen=True, slots=True)
class Call:
    """`what`: put (idempotent), look (reads), pay (once), model or hook. `key`: its idempotency key. `seen`: its arguments. `tokens`: what
    a model's answer cost, a number that no other call has. `pid`: the process that called.

    Of a hook `key` is its `webhook-id`, `node` its event, `seen` the digest of its body, and `answer` the status it got."""

    number: int
    at: float
    what: str
    run: str
    node: str
    activation: str
    key: str
    seen: Any
    pid: int
    answer: str
    tokens: int = 0


@dataclass(slots=True)
class Book:
    """One line per call, on disk before the caller hears anything. An idempotent call is answered the same under its key, for ever."""

    file: int
    hold_seconds: float
    calls: int = 0
    answers: dict[str, str] = field(default_factory=dict)

    async def note(self, what: str, told: dict[str, Any], answer: str = "") -> Call:
        """Holds its answer for a moment, so that calls are in flight when something strikes."""
        self.calls += 1
        number, key = self.calls, told.get("key", "")
        answer = answer or f"{what}-{number}"
        if what == "put":
            answer = self.answers.setdefault(key, answer)
        tokens = number if what == "model" else 0
        told = {name: told.get(name, "") for name in ("run", "node", "activation", "seen", "pid")}
        call = Call(number=number, at=time.time(), what=what, key=key, answer=answer, tokens=tokens, **told)
        os.write(self.file, json.dumps({name: getattr(call, name) for name in Call.__slots__}).encode() + b"\n")
        os.fsync(self.file)
        await asyncio.sleep(random.uniform(0, self.hold_seconds))
        return call


def application(book: Book) -> Starlette:
    async def effect(request: Request) -> JSONResponse:
        call = await book.note(request.path_params["what"], await request.json())
        return JSONResponse({"answer": call.answer})

    async def chat(request: Request) -> JSONResponse:
        """The last message is JSON that says who asks."""
        asked = await request.json()
        call = await book.note("model", json.loads(asked["messages"][-1]["content"]) | {"pid": asked.get("user", 0)})
        usage = {"prompt_tokens": call.tokens, "completion_tokens": COMPLETION_TOKENS, "total_tokens": call.tokens + COMPLETION_TOKENS}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": call.answer}}
        return JSONResponse({"id": f"c{call.number}", "object": "chat.completion", "choices": [choice], "usage": usage})

    async def hook(request: Request) -> Response:
        """A receiver that is sometimes out of order."""
        body = await request.body()
        event, status = json.loads(body), SORRY if random.random() < SORRY_SHARE else httpx.codes.NO_CONTENT
        told = {"run": event["data"]["run"]["id"], "node": event["type"], "key": request.headers["webhook-id"]}
        await book.note("hook", {**told, "seen": hashlib.sha256(body).hexdigest()}, str(int(status)))
        return Response(status_code=status)

    routes = [
        Route("/hooks", hook, methods=["POST"]),
        Route("/effects/{what}", effect, methods=["POST"]),
        Route("/v1/chat/completions", chat, methods=["POST"]),
    ]
    return Starlette(routes=routes)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger as tests see it."""

    url: str
    file: Path
    process: Running

    def calls(self) -> Sequence[Call]:
        """In the order they came; one that is being written is left out."""
        whole = self.file.read_text().rpartition("\n")[0].splitlines()
        return [Call(**json.loads(line)) for line in whole]


@contextmanager
def running_ledger(folder: Path, hold_seconds: float) -> Iterator[Ledger]:
    port, file = free_port(), folder / "ledger.jsonl"
    file.touch()
    commands = Commands(folder, {}, (ROOT,))
    process = commands.module("tests.integration.faults.ledger", str(port), str(file), str(hold_seconds))
    try:
        until(lambda: _answers(port), "a ledger that answers", 60)
        yield Ledger(f"http://127.0.0.1:{port}", file, process)
    finally:
        commands.stop()


def _answers(port: int) -> bool:
    try:
        return web.get(f"http://127.0.0.1:{port}/").status_code == httpx.codes.NOT_FOUND
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    port, path, hold = sys.argv[1:]
    book = Book(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), float(hold))
    uvicorn.run(application(book), port=int(port), log_level="warning", timeout_keep_alive=600)
