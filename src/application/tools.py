"""Tools: what a tenant can call, one call by hand, and tools that are data."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

from application.charging import ChargeByHand
from application.keyed_calls import CallOnce
from application.once import digest_of
from application.paging import PageOrder, slice_of
from application.tool_views import RefusedToolView, RegisteredToolView, ToolBatchView, ToolCheckView, ToolView
from application.views import PageView, ToolResultView, json_object
from application.workflow_views import problem_views
from domain.access import Principal, Role
from domain.errors import BusinessRuleViolation, ToolNotFound, ValidationError
from domain.ids import NewId
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.tools import RegisteredTools, Tell, ToolCatalog, ToolContext, unheard
from domain.registered import RegisteredTool
from domain.tool import Effects, Tool, ToolExecutionResult, ToolType

CALL_SECONDS: Final = 60.0
MOST_REGISTERED: Final = 20_000
"""Tools of one tenant."""
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class ToolCallOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class ToolBatchOrder(BaseModel):
    """Documents as `POST /v1/tools` takes one."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    # They come from JSON: to see that all in them is JSON took longer than to read them.
    documents: Annotated[list[dict[str, SkipValidation[JsonValue]]], Field(min_length=1, max_length=500)]


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
    call_once: CallOnce
    charge: ChargeByHand
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
        """One call outside any run; the tool's refusal or failure is an answer, not an error. `key`: the caller's own, handed to the tool
        so that the same call again is known to it; a tool of effects `once` is called once under it (`CallOnce`). `tell`: hears of its
        progress, from any thread."""
        who.must_be(Role.OPERATOR)
        tools = await self.catalog.of(who.tenant)
        named = self.new_id() if key is None else f"call/{digest_of('key', [who.tenant, who.name, name, key])}"
        context = ToolContext(who.tenant, named, deadline_seconds=self.seconds, caller=who.name, role=who.role, tell=tell)

        async def call() -> ToolExecutionResult:
            result = await tools.call(name, order.arguments, context)
            await self.charge(who.tenant, name, result)
            return result

        if key is None or tools.get(name).effects is not Effects.ONCE:
            return ToolResultView.of(await call())
        return await self.call_once(who, key, digest_of("call_tool", [name, order.arguments]), call)

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
        return RegisteredToolView(is_new=bool(await self._keep(who, {tool.name: document})), tool=ToolView.of(tool))

    async def register_all(self, who: Principal, order: ToolBatchOrder) -> ToolBatchView:
        """The same for many; what is wrong with one does not stop the others. Of two of one name the later counts."""
        who.must_be(Role.AUTHOR)
        named: dict[str, Json] = {}
        refused: list[RefusedToolView] = []
        for at, document in enumerate(order.documents):
            await asyncio.sleep(0)  # each takes a while, and others wait
            try:
                named[self.catalog.check(document).name] = document
            except ValidationError as error:
                name = document.get("name")
                told = problem_views([replace(one, pointer=f"/documents/{at}{one.pointer}") for one in error.problems])
                refused.append(RefusedToolView(at=at, name=name if isinstance(name, str) else "", problems=told))
        fresh = await self._keep(who, named) if named else ()
        return ToolBatchView(new=sorted(fresh), replaced=sorted(named.keys() - set(fresh)), refused=refused)

    async def _keep(self, who: Principal, documents: Mapping[str, Json]) -> Collection[str]:
        """The names that are new."""
        count = (await self.registered.revision(who.tenant)).count
        if count + len(documents) > MOST_REGISTERED:
            known = {one.name for one in await self.registered.of(who.tenant, list(documents))}
            if count + len(documents.keys() - known) > MOST_REGISTERED:
                raise BusinessRuleViolation(f"a tenant may have {MOST_REGISTERED:,} tools of its own, and {count:,} are there: remove some")
        now = self.clock.now()
        kept = [RegisteredTool(who.tenant, name, cast("JsonObject", one), who.name, now, now) for name, one in documents.items()]
        fresh = await self.registered.put_all(kept)
        self.catalog.forget(who.tenant)
        return fresh

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
