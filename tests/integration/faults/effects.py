"""What workflows under fault do to the world: tools and a model that tell the ledger of every call, found by Weft as any package's."""

import json
import os
import signal
import time
from pathlib import Path

import httpx

from domain.model import FinishReason, ModelRequest, ModelResponse, OnText
from domain.usage import Usage
from weft import ToolContext, tool

ENTRY_POINTS = """[weft.tools]
put = tests.integration.faults.effects:put
look = tests.integration.faults.effects:look
pay = tests.integration.faults.effects:pay
bomb = tests.integration.faults.effects:bomb
hog = tests.integration.faults.effects:hog
[weft.models]
ledger = tests.integration.faults.effects:model
"""
SITE = """import os
if os.environ.get("FAULT_ARMS"):
    from tests.integration.faults.arming import arm
    arm(os.environ["FAULT_ARMS"])
"""


class Line:
    """One client per process, made when it is first needed."""

    client: httpx.AsyncClient | None = None

    @classmethod
    async def ask(cls, path: str, body: object, seconds: float = 60.0) -> httpx.Response:
        if cls.client is None:
            limits = httpx.Limits(max_connections=400, max_keepalive_connections=100)
            cls.client = httpx.AsyncClient(base_url=os.environ["FAULT_LEDGER"], limits=limits, trust_env=False)
        return (await cls.client.post(path, json=body, timeout=seconds)).raise_for_status()


async def call(what: str, seen: list[str], context: ToolContext) -> dict[str, str]:
    told = {
        "key": context.idempotency_key,
        "run": context.run,
        "activation": context.activation,
        "node": context.activation.rpartition("/")[2].partition("#")[0],
        "seen": seen,
        "pid": os.getpid(),
    }
    answer = (await Line.ask(f"/effects/{what}", told)).json()["answer"]
    return {"answer": answer}


@tool(effects="idempotent")
async def put(seen: list[str], context: ToolContext) -> dict[str, str]:
    """May be called again under its key, and then answers the same."""
    return await call("put", seen, context)


@tool(effects="none")
async def look(seen: list[str], context: ToolContext) -> dict[str, str]:
    """Only reads; answers differently each time."""
    return await call("look", seen, context)


@tool(effects="once")
async def pay(seen: list[str], context: ToolContext) -> dict[str, str]:
    """Must never be called twice."""
    return await call("pay", seen, context)


@tool(effects="none")
async def bomb(seen: list[str], context: ToolContext) -> dict[str, str]:
    """Kills the worker it runs in."""
    await call("look", seen, context)
    os.kill(os.getpid(), signal.SIGKILL)
    return {"answer": ""}


@tool(effects="none")
async def hog(seconds: float) -> dict[str, str]:
    """Holds the event loop, as a careless author's tool does."""
    time.sleep(seconds)  # noqa: ASYNC251
    return {"answer": ""}


class LedgerModel:
    """A model behind an endpoint as OpenAI's. Every answer costs a number of tokens that no other one does."""

    prefix = "ledger"

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        body = {"model": request.model, "messages": list(request.messages), "user": os.getpid()}
        try:
            answer = (await Line.ask("/v1/chat/completions", body, request.timeout_seconds)).json()
        except BaseException as error:
            error.__dict__["usage"] = Usage(request.model, 0, 0, estimated=True)  # it may have been used; how much, nobody told us
            raise
        text, used = answer["choices"][0]["message"]["content"], answer["usage"]
        if on_text is not None:
            on_text(text)
        return ModelResponse(text, request.model, FinishReason.STOP, Usage(request.model, used["prompt_tokens"], used["completion_tokens"]))


model = LedgerModel()


def settle_in(folder: Path) -> Path:
    """Makes the package that Weft finds these by, as a package manager would; its folder."""
    about = folder / "fault_effects-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fault-effects\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "sitecustomize.py").write_text(SITE)
    return folder


def prompt(node: str, *channels: str) -> str:
    """A template whose text tells the ledger who asks, and what it saw."""
    seen = ", ".join(f"state.{name}" for name in channels)
    return "{{ {'run': run.id, 'node': " + json.dumps(node) + ", 'seen': [" + seen + "]} | tojson }}"
