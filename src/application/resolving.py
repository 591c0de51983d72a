"""Deciding what became of a call that may happen only once and whose outcome nobody knows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict

from application.activations import describe
from application.errors import below
from application.once import Once, digest_of
from application.run_views import RunView
from application.runs import find_run
from domain.access import Principal, Role
from domain.errors import IdempotencyConflict, IllegalTransition, ToolNotFound, ValidationError
from domain.json import Json, JsonObject
from domain.ports.inbox import Inbox
from domain.ports.journal import Journal
from domain.ports.repositories import Runs
from domain.ports.schemas import Schemas
from domain.ports.tools import Tools
from domain.run import events
from domain.run.run import Run, RunStatus


class Decision(StrEnum):
    HAPPENED = events.HAPPENED
    DID_NOT_HAPPEN = events.DID_NOT_HAPPEN
    FAILED = events.FAILED


class ResolveOrder(BaseModel):
    """`activation`: as `waiting_for` names it. `happened`: the node finishes with `output`; `did_not_happen`: the tool is called again,
    under the same key; `failed`: the node fails with `unknown_outcome`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    activation: Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
    decision: Annotated[Decision, Strict(False)]
    output: JsonValue = None
    reason: Annotated[str, Field(strict=True, max_length=2000)] = ""


@dataclass(frozen=True, slots=True)
class ResolveRun:
    """The first decision about an unknown outcome counts. `IllegalTransition` when the run does not wait for one there, or when somebody
    else decided otherwise."""

    runs: Runs
    journal: Journal
    inbox: Inbox
    tools: Tools
    schemas: Schemas
    once: Once

    async def __call__(self, who: Principal, run: str, order: ResolveOrder) -> RunView:
        who.must_be(Role.OPERATOR)
        found = await find_run(self.runs, who, run)
        about = _unknown(found, order.activation)
        if order.decision is Decision.HAPPENED:
            self._check_output(str(about["tool"]), order.output)
        body: dict[str, Json] = {**order.model_dump(mode="json"), "intended_at": about["intended_at"], "by": who.name}
        key = f"resolve {order.activation} {about['intended_at']}"
        await self._decide_first(who, f"{key} of {found.id}", order)
        await self.inbox.put(found.tenant, found.thread, found.id, "resolve", body, key)
        return await describe(self.journal, found)

    def _check_output(self, tool: str, output: Json) -> None:
        try:
            returns = self.tools.get(tool).returns
        except ToolNotFound:
            return  # the tool is gone; what it would have returned cannot be asked any more
        problems = below("/output", tuple(self.schemas.compile(returns).problems(output)))
        if problems:
            raise ValidationError(f"the output is none that {tool} returns: see `problems`", problems)

    async def _decide_first(self, who: Principal, key: str, order: ResolveOrder) -> None:
        digest = digest_of("resolve", order.model_dump(mode="json", exclude={"reason"}))
        try:
            await self.once.named(who, key, digest, order.decision)
        except IdempotencyConflict as error:
            raise IllegalTransition("somebody has decided otherwise about this call: look at the run's events") from error


def _unknown(run: Run, activation: str) -> JsonObject:
    for waiting in run.waiting_for if run.status is RunStatus.PARKED else ():
        if waiting.activation == activation and waiting.about is not None:
            return waiting.about
    raise IllegalTransition(f"the run does not wait for a decision about {activation}; what it waits for stands in `waiting_for`")
