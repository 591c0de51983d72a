"""Published workflows and templates."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from sqlalchemy import ColumnElement, and_, select, update

from domain.errors import VersionTaken
from domain.graph.definition import Graph
from domain.ids import TenantId
from domain.json import JsonObject
from domain.ports.repositories import Page
from domain.workflow import TemplateParameter, WorkflowMetadata, WorkflowTemplate, WorkflowVersion
from infrastructure.store.codec import encode, plain
from infrastructure.store.missing import NAMED_AT_MOST, no_template, no_workflow
from infrastructure.store.rows import METADATA_COLUMNS, WORKFLOW_COLUMNS, Row, metadata_of, moment, seconds, workflow_of, workflow_row
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import by_name, page
from infrastructure.store.tables import templates, workflows
from infrastructure.store.versions import rank

_WHOLE = [workflows.c[name] for name in WORKFLOW_COLUMNS.split(", ")]
_ABOUT = [workflows.c[name] for name in METADATA_COLUMNS.split(", ")]


@dataclass(frozen=True, slots=True)
class PublishedWorkflows:
    database: Database
    parse: Callable[[JsonObject], Graph]

    async def publish(self, version: WorkflowVersion) -> tuple[WorkflowVersion, bool]:
        """The insert decides: of two at once the second waits for the first, and then reads what it left."""
        if await self._inserted(version) or await self._lifted(version):
            return version, True
        about = version.metadata
        known = _published(version.tenant, about.name) & (workflows.c.version == about.version)
        rows = await self.database.rows(select(*_WHOLE).where(known))
        if not rows or rows[0][1] != about.id:
            raise VersionTaken(f"{about.name}@{about.version} is published with another content: raise the version")
        return workflow_of(rows[0], self.parse), False

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[WorkflowMetadata]:
        mine = (workflows.c.tenant == tenant, workflows.c.published)
        names = by_name(select(workflows.c.name).distinct().where(*mine), workflows.c.name, limit, cursor).subquery()
        query = select(*_ABOUT).where(*mine, workflows.c.name.in_(select(names.c.name))).order_by(workflows.c.name)
        found = [metadata_of(row) for row in await self.database.rows(query)]
        highest = [(_sorted(versions)[0],) for _, versions in groupby(found, key=lambda metadata: metadata.name)]
        return page(highest, limit, lambda row: row[0], lambda row: (row[0].name,))

    async def versions(self, tenant: TenantId, name: str) -> Sequence[WorkflowMetadata]:
        query = select(*_ABOUT).where(_published(tenant, name))
        if rows := await self.database.rows(query):
            return _sorted(metadata_of(row) for row in rows)
        raise no_workflow(name, await self._names(tenant))

    async def _inserted(self, version: WorkflowVersion) -> bool:
        row = dict(zip(WORKFLOW_COLUMNS.split(", "), workflow_row(version), strict=True))
        insert = self.database.insert(workflows).values(**row, published=True).on_conflict_do_nothing()
        return bool(await self.database.rows(insert.returning(workflows.c.hash)))

    async def _lifted(self, version: WorkflowVersion) -> bool:
        """A run brought this very content with it before: now it has a name."""
        about = version.metadata
        other = workflows.alias()
        is_taken = select(other.c.hash).where(
            other.c.tenant == version.tenant, other.c.name == about.name, other.c.version == about.version, other.c.published
        )
        statement = (
            update(workflows)
            .where(workflows.c.tenant == version.tenant, workflows.c.hash == about.id, workflows.c.published.is_(False), ~is_taken.exists())
            .values(published=True, created_at=seconds(about.created_at), updated_at=seconds(about.updated_at))
        )
        return bool(await self.database.change(statement))

    async def _names(self, tenant: TenantId) -> Sequence[str]:
        mine = select(workflows.c.name).distinct().where(workflows.c.tenant == tenant, workflows.c.published)
        query = by_name(mine, workflows.c.name, NAMED_AT_MOST, None)
        return [row[0] for row in await self.database.rows(query)]


@dataclass(frozen=True, slots=True)
class ShelvedTemplates:
    database: Database

    async def put(self, template: WorkflowTemplate) -> bool:
        body = encode({"parameters": [asdict(parameter) for parameter in template.parameters], "document": template.document})
        said = {"description": template.description, "body": body, "created_at": seconds(template.created_at)}
        insert = self.database.insert(templates).values(tenant=template.tenant, name=template.name, **said)
        if await self.database.rows(insert.on_conflict_do_nothing().returning(templates.c.name)):
            return True
        await self.database.change(insert.on_conflict_do_update(index_elements=["tenant", "name"], set_=said))
        return False

    async def get(self, tenant: TenantId, name: str) -> WorkflowTemplate:
        rows = await self.database.rows(select(templates).where(templates.c.tenant == tenant, templates.c.name == name))
        if not rows:
            names = by_name(select(templates.c.name).where(templates.c.tenant == tenant), templates.c.name, NAMED_AT_MOST, None)
            raise no_template(name, [row[0] for row in await self.database.rows(names)])
        return _template_of(rows[0])

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[WorkflowTemplate]:
        rows = await self.database.rows(by_name(select(templates).where(templates.c.tenant == tenant), templates.c.name, limit, cursor))
        return page(rows, limit, _template_of, lambda row: (row[1],))


def _template_of(row: Row) -> WorkflowTemplate:
    tenant, name, description, body, created_at = row
    said = plain(body)
    parameters = tuple(TemplateParameter(**parameter) for parameter in said["parameters"])
    return WorkflowTemplate(tenant, name, description, parameters, said["document"], moment(created_at))


def _sorted(versions: Iterable[WorkflowMetadata]) -> Sequence[WorkflowMetadata]:
    return sorted(versions, key=lambda metadata: rank(metadata.version), reverse=True)


def _published(tenant: TenantId, name: str) -> ColumnElement[bool]:
    return and_(workflows.c.tenant == tenant, workflows.c.name == name, workflows.c.published)
