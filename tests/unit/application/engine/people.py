"""Somebody who answers what runs of a stage ask, and a tool whose calls are approved."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from application.answering import AnswerOrder, AnswerRun
from application.once import Once
from domain.access import LOCAL_ADMIN, Principal
from domain.ids import RunId
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.run.run import Run
from domain.tool import Effects, Tool, ToolExecutionResult, ToolMetadata, ToolType
from infrastructure.schemas import JsonSchemas
from tests.documents import Document, document
from tests.unit.application.engine.stage import Stage

SCHEMA = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
STATE = {"n": {"type": "integer", "default": 1}, "got": {"type": "array", "merge": "append", "default": []}}


def human(**keys: Any) -> Document:
    return {"kind": "human", "show": {"n": "${state.n}"}, "schema": SCHEMA, "writes": {"got": "${[output.ok, state.n]}"}, **keys}


def asking(*names: str, **keys: Any) -> Document:
    """Side by side."""
    return document({name: human(**keys) for name in names}, [f"start > {name}" for name in names], state=STATE)


async def say(
    stage: Stage,
    run: RunId,
    answer: Json = None,
    activation: str = "/a#1",
    who: Principal = LOCAL_ADMIN,
    key: str | None = None,
    asked_at: int | None = None,
) -> None:
    """Raises what whoever answers is told."""
    store = stage.store
    once = Once(store.marks, stage.clock)
    use = AnswerRun(store.runs, stage.journal, store.inbox, JsonSchemas(), store.marks, once, lambda: str(uuid.uuid4()), stage.clock)
    given: Any = {"ok": True} if answer is None else answer
    await use(who, run, AnswerOrder(activation=activation, answer=given, asked_at=asked_at), key)


async def worked(stage: Stage, run: RunId) -> Run:
    """After somebody claimed the run, and took what the inbox held for it."""
    drive = await stage.open()
    await stage.deliver(drive)
    await stage.engine.drive(drive)
    return await stage.run(run)


@dataclass
class Charger:
    """Counts its calls; fails as often as there are errors."""

    effects: Effects = Effects.IDEMPOTENT
    calls: list[Mapping[str, Json]] = field(default_factory=list)
    failures: list[ToolExecutionResult] = field(default_factory=list)

    def get(self, name: str) -> Tool:
        parameters: Json = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer", "maximum": 9}}}
        assert isinstance(parameters, dict)
        return Tool(name, ToolType.BUILTIN, parameters, ToolMetadata("Charges."), effects=self.effects)

    async def call(self, name: str, arguments: Mapping[str, Json], context: ToolContext) -> ToolExecutionResult:
        self.calls.append(arguments)
        return self.failures.pop(0) if self.failures else ToolExecutionResult({"charged": arguments["amount"]})
