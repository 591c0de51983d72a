"""Tools whose calls are put on a tape, and tools that answer from one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.cassette import TOOL, Playback, RecordedCall, Recording
from domain.errors import Failure, ToolNotFound
from domain.ids import ActivationPath, TenantId
from domain.json import Json, JsonObject
from domain.ports.tools import ToolContext, Tools
from domain.tool import Tool, ToolExecutionResult
from infrastructure.cassettes.documents import cleaned, question, result_as_json, result_from_json, tool_as_json, tool_from_json
from infrastructure.tools.around import AroundTools
from infrastructure.tools.catalog import Catalog


def asked_of_tool(name: str, arguments: JsonObject, context: ToolContext, tape: Recording | Playback) -> RecordedCall:
    """The call, without its answer."""
    asked = cleaned({"arguments": arguments}, tape)
    number = context.idempotency_key.removeprefix(f"{context.run}{context.activation}/").partition("/")[0]
    effect = int(number) if number.isdigit() else 0
    return question(TOOL, name, ActivationPath(context.activation), effect, asked, [name, asked])


@dataclass
class TapedTools(AroundTools):
    """Whatever is looked at comes onto the tape: a node may offer a tool without calling it."""

    tape: Recording

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        asked = asked_of_tool(name, arguments, context, self.tape)
        result = await self.inner.call(name, arguments, context)
        answer, error = (None if part is None else cleaned(part, self.tape) for part in result_as_json(result))
        self.tape.note(replace(asked, answer=answer, error=error))
        return result

    def get(self, name: str) -> Tool:
        tool = self.inner.get(name)
        self.tape.tools[name] = tool_as_json(tool)
        return tool


@dataclass(frozen=True, slots=True)
class PlayedTools:
    """Calls nobody. A tool that is installed here is as it is here; others are as the tape has them."""

    installed: Tools
    tape: Playback

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        found = self.tape.draw(asked_of_tool(name, arguments, context, self.tape))
        if found is None:
            return ToolExecutionResult(error=Failure("not_recorded", f"the cassette has no answer of {name} for this node"))
        return result_from_json(found.answer, found.error)

    def get(self, name: str) -> Tool:
        try:
            return self.installed.get(name)
        except ToolNotFound:
            if name not in self.tape.tools:
                raise
            return tool_from_json(self.tape.tools[name])

    def list(self) -> Sequence[Tool]:
        found = {name: tool_from_json(written) for name, written in self.tape.tools.items()}
        found |= {tool.name: tool for tool in self.installed.list()}
        return [found[name] for name in sorted(found)]

    def must_be_allowed(self, name: str, context: ToolContext) -> bool:
        return True  # nothing is called


@dataclass(frozen=True, slots=True)
class TapedCatalog:
    """`domain.ports.tools.ToolCatalog` of a process that writes or plays a tape. To play one nobody's servers are asked for their tools."""

    inner: Catalog
    tape: Recording | Playback

    async def of(self, tenant: TenantId, *, waits: bool = True) -> Tools:
        if isinstance(self.tape, Playback):
            return PlayedTools(self.inner.installed, self.tape)
        return TapedTools(await self.inner.of(tenant, waits=waits), self.tape)

    @property
    def installed(self) -> Tools:
        return self.inner.installed

    async def list(self, tenant: TenantId) -> Sequence[Tool]:
        return (await self.of(tenant)).list()

    def check(self, document: Json) -> Tool:
        return self.inner.check(document)

    def forget(self, tenant: TenantId) -> None:
        self.inner.forget(tenant)
