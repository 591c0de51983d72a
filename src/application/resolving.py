"""Deciding what became of a call that may happen only once and whose outcome nobody knows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict

from application.activations import describe, rows_of
from application.errors import below
from application.once import Once, digest_of
from application.run_views import RunView
from application.runs import find_run
from domain.access import Principal, Role
from domain.errors import IdempotencyConflict, IllegalTransition, ToolNotFound, ValidationError
from domain.ids import Position
from domain.json import Json, JsonObject
from domain.ports.inbox import Inbox
from domain.ports.journal import Journal
from domain.ports.repositories import Runs
from domain.ports.schemas import Schemas
from domain.ports.tools import ToolCatalog
from domain.run import events
from domain.run.run import Run, RunStatus

_OTHERWISE: Final = "somebody has decided otherwise about this call: look at the run's events"


class Decision(StrEnum):
    HAPPENED = events.HAPPENED
    DID_NOT_HAPPEN = events.DID_NOT_HAPPEN
    FAILED = events.FAILED


class ResolveOrder(BaseModel):
    """`activation`: as `waiting_for` names it. `happened`: the node finishes with `output`; `did_not_happen`: the tool is called again,
    under the same key; `failed`: the node fails with `unknown_outcome`. `intended_at`: which of the calls that were made there, as `about`
    names it; without one, the last."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    activation: Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
    decision: Annotated[Decision, Strict(False)]
    intended_at: Annotated[int, Field(strict=True, ge=1)] | None = None
    output: JsonValue = None
    reason: Annotated[str, Field(strict=True, max_length=2000)] = ""


@dataclass(frozen=True, slots=True)
class ResolveRun:
    """The first decision about an unknown outcome counts, and may be said again. `IllegalTransition` when the run does not wait for one
    there, or when somebody else decided otherwise."""

    runs: Runs
    journal: Journal
    inbox: Inbox
    catalog: ToolCatalog
    schemas: Schemas
    once: Once

    async def __call__(self, who: Principal, run: str, order: ResolveOrder) -> RunView:
        who.must_be(Role.OPERATOR)
        found = await find_run(self.runs, who, run)
        about = _unknown(found, order)
        if about is None:
            await self._check_decided(who, found, order)
            return await describe(self.journal, found)
        if order.decision is Decision.HAPPENED:
            await self._check_output(who, str(about["tool"]), order.output)
        body: dict[str, Json] = {**order.model_dump(mode="json"), "intended_at": about["intended_at"], "by": who.name}
        key = _key(order.activation, about["intended_at"])
        await self._decide_first(who, f"{key} of {found.id}", order)
        await self.inbox.put(found.tenant, found.thread, found.id, "resolve", body, key)
        return await describe(self.journal, found)

    async def _check_output(self, who: Principal, tool: str, output: Json) -> None:
        try:
            returns = (await self.catalog.of(who.tenant)).get(tool).returns
        except ToolNotFound:
            return  # the tool is gone; what it would have returned cannot be asked any more
        problems = below("/output", tuple(self.schemas.compile(returns).problems(output)))
        if problems:
            raise ValidationError(f"the output is none that {tool} returns: see `problems`", problems)

    async def _decide_first(self, who: Principal, key: str, order: ResolveOrder) -> None:
        try:
            await self.once.named(who, key, _digest(order), order.decision)
        except IdempotencyConflict as error:
            raise IllegalTransition(_OTHERWISE) from error

    async def _check_decided(self, who: Principal, run: Run, order: ResolveOrder) -> None:
        """The run has gone on since, or is about to: is it for this very decision?"""
        decisions = await self._decisions(run, order.activation)
        intended_at = order.intended_at or max(decisions, default=0)
        said = decisions.get(Position(intended_at))
        if said is not None and (said.decision, said.output) == (order.decision, order.output):
            return
        if said is not None:
            raise IllegalTransition(_OTHERWISE)
        mark = self.once.mark(f"{_key(order.activation, intended_at)} of {run.id}", _digest(order))
        try:
            is_on_its_way = await self.once.marks.known(who.tenant, mark) is not None
        except IdempotencyConflict as error:
            raise IllegalTransition(_OTHERWISE) from error
        if not is_on_its_way:
            raise IllegalTransition(f"the run does not wait for a decision about {order.activation}: see `waiting_for`")

    async def _decisions(self, run: Run, activation: str) -> dict[Position, events.EffectResolved | None]:
        """Of each call that was announced there, by its position."""
        found: dict[Position, events.EffectResolved | None] = {}
        async for row in rows_of(self.journal, run, run.first):
            event = self.journal.decode(row)
            if isinstance(event, events.EffectIntended) and event.activation == activation:
                found[row.position] = None
            elif isinstance(event, events.EffectResolved) and event.activation == activation and found:
                found[max(found)] = event
        return found


def _key(activation: str, intended_at: Json) -> str:
    return f"resolve {activation} {intended_at}"


def _digest(order: ResolveOrder) -> str:
    return digest_of("resolve", order.model_dump(mode="json", exclude={"reason", "intended_at"}))


def _unknown(run: Run, order: ResolveOrder) -> JsonObject | None:
    """What is known of the call; None when the run does not wait for a decision about it."""
    for waiting in run.waiting_for if run.status is RunStatus.PARKED else ():
        if waiting.activation == order.activation and waiting.about is not None:
            return waiting.about if order.intended_at in (None, waiting.about["intended_at"]) else None
    return None
