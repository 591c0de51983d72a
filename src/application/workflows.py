"""Workflows: check a document, publish it, find it again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final, TypeAlias, cast

from pydantic import JsonValue

from application.documents import summary
from application.named_tools import names_tools
from application.once import Once, digest_of
from application.paging import PageOrder, shown, slice_of
from application.preparing_prompts import PromptShelf
from application.used_prompts import wrong_prompts
from application.validation import Locate, Validate, Validation, nowhere
from application.versions import unknown_workflows
from application.views import PageView
from application.workflow_views import PublishedWorkflow, ValidationView, WorkflowView, problem_views
from domain.access import Principal, Role
from domain.errors import NotFound, ValidationError
from domain.graph.definition import Graph
from domain.ids import ContentHash, TenantId
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.repositories import Workflows
from domain.ports.tools import ToolCatalog
from domain.workflow import WorkflowMetadata, WorkflowVersion

HashOf: TypeAlias = Callable[[JsonObject], ContentHash]
_SMALL: Final = 2_000
"""Values of a document that is checked in place; a bigger one gets a thread, so that others are served meanwhile."""
_TEXT: Final = 1_000
"""Characters that weigh as much as a value."""
_NEW: Final = "new"
_KNOWN: Final = "known"


@dataclass(frozen=True, slots=True)
class CheckDocument:
    """Everything that can be said about a document for one tenant: `Validate`, and whether the workflows and prompts it names are there."""

    validate: Validate
    workflows: Workflows
    catalog: ToolCatalog
    prompts: PromptShelf

    async def __call__(self, tenant: TenantId, document: Json, locate: Locate = nowhere) -> Validation:
        validate = self.validate.knowing(await self.catalog.of(tenant, waits=names_tools(document)))
        if _is_small(document):
            return (await self._complete(tenant, validate(document))).located(locate)
        found = await self._complete(tenant, await asyncio.to_thread(validate, document))
        return await asyncio.to_thread(found.located, locate)

    async def _complete(self, tenant: TenantId, found: Validation) -> Validation:
        missing = await unknown_workflows(self.workflows, tenant, found.graph)
        unfit = await wrong_prompts(self.prompts, tenant, found.graph)
        return replace(found, problems=(*found.problems, *missing, *unfit))


def _is_small(document: Json) -> bool:
    """At whatever depth its values stand: graphs hold graphs. Looks no further than the bound."""
    rest, weight = [document], 0
    while rest and weight <= _SMALL:
        value = rest.pop()
        weight += 1 + (len(value) // _TEXT if isinstance(value, str) else 0)
        if isinstance(value, dict | list):
            rest.extend(islice(value.values() if isinstance(value, dict) else value, _SMALL))
    return weight <= _SMALL


@dataclass(frozen=True, slots=True)
class ValidateWorkflow:
    check: CheckDocument

    async def __call__(self, who: Principal, document: Json, locate: Locate = nowhere) -> ValidationView:
        who.must_be(Role.VIEWER)
        return ValidationView.of(await self.check(who.tenant, document, locate))


@dataclass(frozen=True, slots=True)
class PublishWorkflow:
    """An invalid document is a `ValidationError` with every problem, and nothing is stored."""

    check: CheckDocument
    workflows: Workflows
    once: Once
    hash_of: HashOf
    clock: Clock

    async def __call__(self, who: Principal, document: Json, locate: Locate = nowhere, key: str | None = None) -> PublishedWorkflow:
        who.must_be(Role.AUTHOR)
        validation = await self.check(who.tenant, document, locate)
        graph = validation.checked()
        if not isinstance(document, dict):
            raise ValidationError(summary(list(validation.problems)), validation.problems)
        version = WorkflowVersion(who.tenant, await self._about(who.tenant, graph, document), document, graph)
        kept, fresh = await self.workflows.publish(version) if key is None else await self._published_once(who, version, key)
        return PublishedWorkflow(WorkflowView.of(kept.metadata), fresh, problem_views(validation.warnings))

    async def _published_once(self, who: Principal, version: WorkflowVersion, key: str) -> tuple[WorkflowVersion, bool]:
        async def publish() -> str:
            return _NEW if (await self.workflows.publish(version))[1] else _KNOWN

        told = await self.once.done(who, key, digest_of("workflow", cast("JsonValue", version.document)), publish)
        return await self.workflows.get(who.tenant, version.metadata.name, version.metadata.version), told == _NEW

    async def _about(self, tenant: TenantId, graph: Graph, document: JsonObject) -> WorkflowMetadata:
        now = self.clock.now()
        born = await self._first_published(tenant, graph.name) or now
        return WorkflowMetadata(self.hash_of(document), graph.name, graph.version, graph.description, born, now, graph.tags)

    async def _first_published(self, tenant: TenantId, name: str) -> datetime | None:
        try:
            return min(known.created_at for known in await self.workflows.versions(tenant, name))
        except NotFound:
            return None


@dataclass(frozen=True, slots=True)
class GetWorkflow:
    """One version with its document; the newest when none is named."""

    workflows: Workflows

    async def __call__(self, who: Principal, name: str, version: str | None = None) -> WorkflowView:
        who.must_be(Role.VIEWER)
        return WorkflowView.whole(await self.workflows.get(who.tenant, name, version))


@dataclass(frozen=True, slots=True)
class ListWorkflows:
    """The newest version of every name, without documents."""

    workflows: Workflows

    async def __call__(self, who: Principal, order: PageOrder) -> PageView[WorkflowView]:
        who.must_be(Role.VIEWER)
        return shown(await self.workflows.list(who.tenant, order.limit, order.cursor), WorkflowView.of)


@dataclass(frozen=True, slots=True)
class ListVersions:
    """All versions of a name, highest first, without documents."""

    workflows: Workflows

    async def __call__(self, who: Principal, name: str, order: PageOrder) -> PageView[WorkflowView]:
        who.must_be(Role.VIEWER)
        return slice_of(await self.workflows.versions(who.tenant, name), order, WorkflowView.of)
