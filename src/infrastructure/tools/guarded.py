"""The one gate before every tool: whether it may be called is decided and put on record, how often is counted, and what comes back has no
secret in it."""

import logging
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from domain.audit import Deed
from domain.errors import DatabaseError, Failure, RepositoryError
from domain.json import Json, JsonObject
from domain.policy import CALL, Decision, Effect, Facts, Policy, Subject
from domain.ports.audit import AuditTrail
from domain.ports.clock import Clock
from domain.ports.secrets import Redact, RedactFor
from domain.ports.tools import ToolContext, unheard
from domain.tool import Effects, Tool, ToolExecutionResult
from infrastructure.secrets.redacted import redacted_aside
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.limiting import CallLimits

APPROVAL: Final = "approval_needed"
UNRECORDED: Final = "not_recorded"
"""What cannot be put on record is not done."""
AGAIN_SECONDS: Final = 0.5
SPARE_SECONDS: Final = 1.0
"""Before its deadline a call that could not be recorded says so: nobody has to wonder whether it was made."""
UNNOTICED_SECONDS: Final = 0.001
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guard:
    policy: Policy
    trail: AuditTrail
    limits: CallLimits
    redact_for: RedactFor
    clock: Clock

    def decide(self, tool: Tool, context: ToolContext) -> Decision:
        """An approval of this very call is what `ask` asks for."""
        found = self.policy.decide(_subject_of(context), CALL, tool.name, Facts(tool.effects, tool.tool_type))
        if found.effect is Effect.ASK and context.approved_by:
            return Decision(Effect.ALLOW, f"approved by {context.approved_by}", found.source)
        return found

    def must_not_deny(self, tool: Tool, context: ToolContext) -> bool:
        """Is it allowed as it stands? A refusal, and a call that waits for somebody, are put on record here: they do not come to `call`."""
        decision = self.decide(tool, context)
        if not decision.is_allowed:
            self.trail.note(self._deed(tool, decision, context))
        decision.must_not_deny("call", tool.name)
        return decision.is_allowed

    async def call(self, found: CheckedTool, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        """Nothing is called before it stands on record that it may be; what merely reads waits for that only when many do. All of it is
        within the time that the context gives."""
        if _does_more(found.tool, context):
            return ToolExecutionResult(error=_changed(found.tool))
        began = self.clock.monotonic()
        decision = self.decide(found.tool, context)
        deed = self._deed(found.tool, decision, context)
        if decision.is_allowed and found.tool.effects is Effects.NONE and self.trail.has_room:
            self.trail.note(deed)
        else:
            try:
                await self._record(deed, context)
            except DatabaseError as error:
                return ToolExecutionResult(error=Failure(UNRECORDED, f"{found.tool.name} was not called: {error.message}", retryable=True))
        if not decision.is_allowed:
            return ToolExecutionResult(error=_refusal(found.tool, decision))
        redact = self.redact_for(context.tenant)
        async with self.limits.within(found.tool, self._left(context, began)) as refused:
            if refused:
                return ToolExecutionResult(error=refused)
            result = await self._made(found, arguments, self._left(context, began), redact)
        return await _redacted(result, redact)

    async def _made(self, found: CheckedTool, arguments: JsonObject, context: ToolContext, redact: Redact) -> ToolExecutionResult:
        if context.deadline_seconds is not None and context.deadline_seconds <= 0:
            message = f"{found.tool.name} was not called: its time was over before it could be"
            return ToolExecutionResult(error=Failure("timeout", message, retryable=True))
        return await found.call(arguments, _discreet(context, redact), self.clock, redact)

    def _left(self, context: ToolContext, began: float) -> ToolContext:
        """With the time that is left of what there was when the call began."""
        passed = self.clock.monotonic() - began
        if context.deadline_seconds is None or passed < UNNOTICED_SECONDS:
            return context
        return replace(context, deadline_seconds=max(0.0, context.deadline_seconds - passed))

    async def _record(self, deed: Deed, context: ToolContext) -> None:
        """A run waits for its database here as it does everywhere, as long as its call has time. A chain that somebody has tampered with is
        waited for by nobody."""
        seconds = context.deadline_seconds
        until = float("inf") if seconds is None else self.clock.monotonic() + seconds - SPARE_SECONDS
        for tried in count():
            try:
                await self.trail.record(deed)
                break
            except DatabaseError as error:
                is_hopeless = isinstance(error, RepositoryError) or self.clock.monotonic() + AGAIN_SECONDS > until
                if context.run is None or is_hopeless:
                    raise
                if not tried:
                    log.warning("%s waits for the audit trail: %s", deed.resource, error.message)
                await self.clock.sleep(AGAIN_SECONDS)

    def _deed(self, tool: Tool, decision: Decision, context: ToolContext) -> Deed:
        about: dict[str, Json] = {"tool_type": tool.tool_type.value, "effects": tool.effects.value}
        if context.run is not None:
            about |= {"run": context.run, "activation": context.activation, "workflow": context.workflow}
        if context.approved_by:
            about["approved_by"] = context.approved_by
        who = context.caller or f"run {context.run}"
        return Deed(context.tenant, self.clock.now(), who, CALL, tool.name, decision.effect.value, decision.rule, decision.source, about)


def _discreet(context: ToolContext, redact: Redact) -> ToolContext:
    tell = context.tell
    return context if tell is unheard else replace(context, tell=lambda text: tell(redact(text)))


async def _redacted(result: ToolExecutionResult, redact: Redact) -> ToolExecutionResult:
    """The message of an error is without secrets already: what they leave is cut to its length, and not they."""
    if result.error is None:
        return replace(result, output=await redacted_aside(result.output, redact))
    return replace(result, error=replace(result.error, code=redact(result.error.code)))


def _refusal(tool: Tool, decision: Decision) -> Failure:
    if decision.effect is Effect.ASK:
        return Failure(APPROVAL, f"{tool.name} is called only when somebody approves of the call: {decision.rule} ({decision.source})")
    return Failure("forbidden", f"{tool.name} may not be called: {decision.rule} ({decision.source})")


def _does_more(tool: Tool, context: ToolContext) -> bool:
    """Than the caller took it for, and has prepared for?"""
    order = tuple(Effects)
    return context.effects is not None and order.index(tool.effects) > order.index(context.effects)


def _changed(tool: Tool) -> Failure:
    message = f"{tool.name} was not called: it has changed, and its effects are `{tool.effects}` now; start another run"
    return Failure("tool_changed", message)


def _subject_of(context: ToolContext) -> Subject:
    links = (context.role, context.acting, context.workflow, context.permissions, context.agent, context.agent_permissions)
    return Subject(context.tenant, *links)
