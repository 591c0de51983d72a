"""Tools: what a tenant can call, one call by hand, and tools that are data."""

from dataclasses import dataclass, field
from typing import Annotated, Final, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.paging import PageOrder, slice_of
from application.tool_views import RegisteredToolView, ToolCheckView, ToolView
from application.views import PageView, ToolResultView, json_object
from application.workflow_views import problem_views
from domain.access import Principal, Role
from domain.errors import BusinessRuleViolation, ToolNotFound, ValidationError
from domain.ids import NewId
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.tools import RegisteredTools, Tell, ToolCatalog, ToolContext, unheard
from domain.registered import RegisteredTool
from domain.tool import Effects, Tool, ToolType

CALL_SECONDS: Final = 60.0
MOST_REGISTERED: Final = 20_000
"""Tools of one tenant."""
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class ToolCallOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class ToolFilters(PageOrder):
    """Those that are all so. `search`: in the name or the description, whatever the case."""

    type: ToolType | None = None
    tag: Text | None = None
    author: Text | None = None
    version: Text | None = None
    effects: Effects | None = None
    search: Text | None = None

    def fits(self, tool: Tool) -> bool:
        about = tool.metadata
        asked = ((self.type, tool.tool_type), (self.author, about.author), (self.version, about.version), (self.effects, tool.effects))
        words = f"{tool.name} {about.description}".casefold()
        return (
            all(wanted in (None, there) for wanted, there in asked)
            and (self.tag is None or self.tag in about.tags)
            and (self.search is None or self.search.casefold() in words)
        )


@dataclass(frozen=True, slots=True)
class ToolDesk:
    catalog: ToolCatalog
    registered: RegisteredTools
    new_id: NewId
    clock: Clock
    seconds: float = field(default=CALL_SECONDS)

    async def list(self, who: Principal, wanted: ToolFilters) -> PageView[ToolView]:
        who.must_be(Role.VIEWER)
        found = await self.catalog.list(who.tenant)
        return slice_of([tool for tool in found if wanted.fits(tool)], wanted, ToolView.of)

    async def get(self, who: Principal, name: str) -> ToolView:
        who.must_be(Role.VIEWER)
        return ToolView.of((await self.catalog.of(who.tenant)).get(name))

    async def call(self, who: Principal, name: str, order: ToolCallOrder, key: str | None = None, tell: Tell = unheard) -> ToolResultView:
        """One call outside any run; the tool's refusal or failure is an answer, not an error. `key`: handed to the tool, so that the same
        call again is known to it. `tell`: hears of its progress, from any thread."""
        who.must_be(Role.OPERATOR)
        tools = await self.catalog.of(who.tenant)
        named = self.new_id() if key is None else f"call/{who.tenant}/{name}/{key}"
        context = ToolContext(who.tenant, named, deadline_seconds=self.seconds, caller=who.name, role=who.role, tell=tell)
        return ToolResultView.of(await tools.call(name, order.arguments, context))

    def check(self, who: Principal, document: Json) -> ToolCheckView:
        """What a document describes, or everything that is wrong with it; nothing is kept."""
        who.must_be(Role.VIEWER)
        try:
            tool = self.catalog.check(document)
        except ValidationError as error:
            return ToolCheckView(valid=False, problems=problem_views(error.problems), tool=None)
        return ToolCheckView(valid=True, problems=[], tool=ToolView.of(tool))

    async def register(self, who: Principal, document: Json) -> RegisteredToolView:
        """Keep it, in place of the tenant's own of that name; runs under way call the new one. An invalid document is a
        `ValidationError` with every problem."""
        who.must_be(Role.AUTHOR)
        tool = self.catalog.check(document)
        count = (await self.registered.revision(who.tenant)).count
        if count >= MOST_REGISTERED and not await self.registered.of(who.tenant, [tool.name]):
            raise BusinessRuleViolation(f"{MOST_REGISTERED:,} tools are registered, which is the limit: remove some")
        now = self.clock.now()
        kept = RegisteredTool(who.tenant, tool.name, cast("JsonObject", document), who.name, now, now)
        is_new = await self.registered.put(kept)
        self.catalog.forget(who.tenant)
        return RegisteredToolView(is_new=is_new, tool=ToolView.of(tool))

    async def document(self, who: Principal, name: str) -> dict[str, JsonValue]:
        """As it was registered. `ToolNotFound` also for a tool that is no data."""
        who.must_be(Role.VIEWER)
        found = next(iter(await self.registered.of(who.tenant, [name])), None)
        if found is None:
            raise ToolNotFound(f"no tool {name} is registered; what is installed or of a server has no document")
        return json_object(found.document)

    async def remove(self, who: Principal, name: str) -> None:
        """Only what was registered; a workflow that names it fails there with `tool_not_found`."""
        who.must_be(Role.AUTHOR)
        await self.registered.remove(who.tenant, name)
        self.catalog.forget(who.tenant)
