"""Published workflows and templates, in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.errors import VersionTaken
from domain.ids import ContentHash, TenantId
from domain.ports.repositories import Page
from domain.workflow import WorkflowMetadata, WorkflowTemplate, WorkflowVersion
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page
from infrastructure.store.missing import no_content, no_template, no_version, no_workflow
from infrastructure.store.versions import rank


@dataclass(frozen=True, slots=True)
class MemoryWorkflows:
    book: Book

    async def publish(self, version: WorkflowVersion) -> tuple[WorkflowVersion, bool]:
        meta = version.metadata
        versions = self.book.published.setdefault((version.tenant, meta.name), {})
        fresh = meta.version not in versions
        known = versions.setdefault(meta.version, version)
        if known.metadata.id != meta.id:
            raise VersionTaken(f"{meta.name}@{meta.version} is published with another content: raise the version")
        self.book.contents.setdefault((version.tenant, meta.id), version)
        return known, fresh

    async def get(self, tenant: TenantId, name: str, version: str | None = None) -> WorkflowVersion:
        versions = self._of(tenant, name)
        if version is None:
            return versions[_highest(versions)]
        if version not in versions:
            raise no_version(name, version, sorted(versions, key=rank, reverse=True))
        return versions[version]

    async def by_hash(self, tenant: TenantId, content: ContentHash) -> WorkflowVersion:
        found = self.book.contents.get((tenant, content))
        if found is None:
            raise no_content(content)
        return found

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[WorkflowMetadata]:
        highest = (versions[_highest(versions)].metadata for (owner, _), versions in self.book.published.items() if owner == tenant)
        return page(highest, lambda metadata: (metadata.name, ""), limit, cursor)

    async def versions(self, tenant: TenantId, name: str) -> Sequence[WorkflowMetadata]:
        versions = self._of(tenant, name)
        return [versions[version].metadata for version in sorted(versions, key=rank, reverse=True)]

    def _of(self, tenant: TenantId, name: str) -> dict[str, WorkflowVersion]:
        versions = self.book.published.get((tenant, name))
        if not versions:
            raise no_workflow(name, sorted(name for owner, name in self.book.published if owner == tenant))
        return versions


@dataclass(frozen=True, slots=True)
class MemoryTemplates:
    book: Book

    async def put(self, template: WorkflowTemplate) -> bool:
        key = (template.tenant, template.name)
        fresh = key not in self.book.templates
        self.book.templates[key] = template
        return fresh

    async def get(self, tenant: TenantId, name: str) -> WorkflowTemplate:
        found = self.book.templates.get((tenant, name))
        if found is None:
            raise no_template(name, sorted(name for owner, name in self.book.templates if owner == tenant))
        return found

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[WorkflowTemplate]:
        mine = (template for template in self.book.templates.values() if template.tenant == tenant)
        return page(mine, lambda template: (template.name, ""), limit, cursor)


def _highest(versions: Iterable[str]) -> str:
    return max(versions, key=rank)
