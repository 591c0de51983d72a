"""Workflows by name and by hash, for the start of every run: what a name stands for is looked up each time, what a hash stands for is
remembered."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from domain.errors import WorkflowNotFound
from domain.graph.definition import Graph
from domain.ids import ContentHash, TenantId
from domain.json import JsonObject
from domain.workflow import WorkflowVersion
from infrastructure.store.missing import NAMED_AT_MOST, no_content, no_version, no_workflow
from infrastructure.store.reader import Reader
from infrastructure.store.rows import WORKFLOW_COLUMNS, Row, moment, workflow_of
from infrastructure.store.versions import rank

_PUBLISHED = "SELECT version, hash, created_at, updated_at FROM workflows WHERE tenant = $1 AND name = $2 AND published"
_VERSION = f"{_PUBLISHED} AND version = $3"
_CONTENT = f"SELECT {WORKFLOW_COLUMNS} FROM workflows WHERE tenant = $1 AND hash = $2"
_NAMES = "SELECT DISTINCT name FROM workflows WHERE tenant = $1 AND published ORDER BY name LIMIT $2"
REMEMBERED: Final = 256


@dataclass(frozen=True, slots=True)
class WorkflowReads:
    reader: Reader
    parse: Callable[[JsonObject], Graph] = field(repr=False)
    _remembered: OrderedDict[tuple[TenantId, ContentHash], WorkflowVersion] = field(default_factory=OrderedDict, repr=False)

    async def get(self, tenant: TenantId, name: str, version: str | None = None) -> WorkflowVersion:
        content, created_at, updated_at = await self._named(tenant, name, version)
        found = await self.by_hash(tenant, ContentHash(content))
        times = (moment(created_at), moment(updated_at))
        if times == (found.metadata.created_at, found.metadata.updated_at):
            return found
        # A content that came with a run before it was published is remembered with the times of that run.
        return replace(found, metadata=replace(found.metadata, created_at=times[0], updated_at=times[1]))

    async def by_hash(self, tenant: TenantId, content: ContentHash) -> WorkflowVersion:
        known = self._remembered.get((tenant, content))
        if known is None:
            rows = await self.reader.rows(_CONTENT, tenant, content)
            if not rows:
                raise no_content(content)
            known = self._remembered[tenant, content] = workflow_of(rows[0], self.parse)
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        else:
            self._remembered.move_to_end((tenant, content))
        return known

    async def _named(self, tenant: TenantId, name: str, version: str | None) -> Row:
        """The hash and the times that the name stands for now."""
        rows = await (self.reader.few(_PUBLISHED, tenant, name) if version is None else self.reader.few(_VERSION, tenant, name, version))
        if not rows:
            raise await self._missing(tenant, name, version)
        _, *named = rows[0] if len(rows) == 1 else max(rows, key=lambda row: rank(row[0]))
        return named

    async def _missing(self, tenant: TenantId, name: str, version: str | None) -> WorkflowNotFound:
        known: Sequence[Row] = await self.reader.rows(_PUBLISHED, tenant, name)
        if version is not None and known:
            return no_version(name, version, sorted((row[0] for row in known), key=rank, reverse=True))
        return no_workflow(name, [row[0] for row in await self.reader.rows(_NAMES, tenant, NAMED_AT_MOST + 1)])
