"""Tools as readers and callers see them."""

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.paging import PageOrder, slice_of
from application.views import PageView, ToolResultView, ToolView
from domain.access import Principal, Role
from domain.ids import NewId
from domain.ports.tools import ToolContext, Tools

CALL_SECONDS = 60.0


class ToolCallOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    arguments: dict[str, JsonValue] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListTools:
    tools: Tools

    async def __call__(self, who: Principal, order: PageOrder) -> PageView[ToolView]:
        who.must_be(Role.VIEWER)
        return slice_of(self.tools.list(), order, ToolView.of)


@dataclass(frozen=True, slots=True)
class GetTool:
    tools: Tools

    async def __call__(self, who: Principal, name: str) -> ToolView:
        who.must_be(Role.VIEWER)
        return ToolView.of(self.tools.get(name))


@dataclass(frozen=True, slots=True)
class CallTool:
    """One call outside any run. The tool's refusal or failure is an answer, not an error."""

    tools: Tools
    new_id: NewId
    seconds: float = field(default=CALL_SECONDS)

    async def __call__(self, who: Principal, name: str, order: ToolCallOrder) -> ToolResultView:
        who.must_be(Role.OPERATOR)
        context = ToolContext(who.tenant, self.new_id(), deadline_seconds=self.seconds)
        return ToolResultView.of(await self.tools.call(name, order.arguments, context))
