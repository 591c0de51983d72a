"""The gate before every tool, which makes each call a span, and hands the trace on to whomever the tool calls."""

from dataclasses import dataclass, replace

from domain.json import JsonObject
from domain.ports.tools import ToolContext
from domain.ports.traces import HERE, UNTRACED, Attribute, Span, SpanKind, Traces
from domain.tool import Tool, ToolExecutionResult
from domain.tracing import TraceContext
from infrastructure.telemetry import conventions as names
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.guarded import Guard


@dataclass(frozen=True, slots=True)
class TracedGuard(Guard):
    traces: Traces = UNTRACED

    async def call(self, found: CheckedTool, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        here = HERE.get()
        if here is None:
            return await Guard.call(self, found, arguments, context)
        at = here.below(context.idempotency_key)
        began = self.clock.now().timestamp()
        result = await Guard.call(self, found, arguments, replace(context, trace=at))
        if self.traces.is_on:
            self.traces.add(self._span(found.tool, here, at, began, result))
        return result

    def _span(self, tool: Tool, here: TraceContext, at: TraceContext, began: float, result: ToolExecutionResult) -> Span:
        about: dict[str, Attribute] = {names.OPERATION: names.EXECUTE_TOOL, names.TOOL_NAME: tool.name}
        about |= {names.TOOL_TYPE: "function", "weft.tool.type": tool.tool_type.value}
        error = "" if result.error is None else result.error.code
        ended = self.clock.now().timestamp()
        return Span(f"{names.EXECUTE_TOOL} {tool.name}", at, here.span, began, ended, SpanKind.INTERNAL, about, error)
