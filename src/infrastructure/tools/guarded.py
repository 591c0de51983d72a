"""The one gate before every tool: whether it may be called is decided and put on record, how often is counted, and what comes back has no
secret in it."""

import logging
from dataclasses import dataclass, replace
from typing import Final

from domain.audit import Deed
from domain.errors import DatabaseError, Failure
from domain.json import Json, JsonObject
from domain.policy import CALL, Decision, Effect, Facts, Policy, Subject
from domain.ports.audit import AuditTrail
from domain.ports.clock import Clock
from domain.ports.secrets import Redact
from domain.ports.tools import ToolContext, unheard
from domain.tool import Effects, Tool, ToolExecutionResult
from infrastructure.secrets.redactor import redacted
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.limiting import CallLimits

APPROVAL: Final = "approval_needed"
UNRECORDED: Final = "not_recorded"
"""What cannot be put on record is not done."""
AGAIN_SECONDS: Final = 0.5
UNNOTICED_SECONDS: Final = 0.001
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guard:
    policy: Policy
    trail: AuditTrail
    limits: CallLimits
    redact: Redact
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
                await self._record(deed, is_patient=context.run is not None)
            except DatabaseError as error:
                return ToolExecutionResult(error=Failure(UNRECORDED, f"{found.tool.name} was not called: {error.message}", retryable=True))
        if not decision.is_allowed:
            return ToolExecutionResult(error=_refusal(found.tool, decision))
        async with self.limits.within(found.tool, self._left(context, began)) as refused:
            result = ToolExecutionResult(error=refused) if refused else await self._made(found, arguments, self._left(context, began))
        return self._redacted(result)

    async def _made(self, found: CheckedTool, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        if context.deadline_seconds is not None and context.deadline_seconds <= 0:
            message = f"{found.tool.name} was not called: its time was over before it could be"
            return ToolExecutionResult(error=Failure("timeout", message, retryable=True))
        return await found.call(arguments, self._discreet(context), self.clock)

    def _left(self, context: ToolContext, began: float) -> ToolContext:
        """With the time that is left of what there was when the call began."""
        passed = self.clock.monotonic() - began
        if context.deadline_seconds is None or passed < UNNOTICED_SECONDS:
            return context
        return replace(context, deadline_seconds=max(0.0, context.deadline_seconds - passed))

    async def _record(self, deed: Deed, *, is_patient: bool) -> None:
        """A run waits for its database here as it does everywhere, until its node's time is over or it is taken away."""
        while True:
            try:
                return await self.trail.record(deed)
            except DatabaseError as error:
                if not is_patient:
                    raise
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

    def _discreet(self, context: ToolContext) -> ToolContext:
        tell = context.tell
        return context if tell is unheard else replace(context, tell=lambda text: tell(self.redact(text)))

    def _redacted(self, result: ToolExecutionResult) -> ToolExecutionResult:
        if result.error is None:
            return replace(result, output=redacted(result.output, self.redact))
        said = replace(result.error, code=self.redact(result.error.code), message=self.redact(result.error.message))
        return replace(result, error=said)


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
