"""Runs, as lists show them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select

from domain.ids import TenantId
from domain.ports.repositories import Page, RunFilter
from domain.run.run import Run
from infrastructure.store.filling import whole_runs
from infrastructure.store.rows import RUN_COLUMNS, run_of, seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import newest_first, page
from infrastructure.store.tables import runs, threads
from infrastructure.store.thread_tables import blobs

_COLUMNS = [runs.c[name] for name in RUN_COLUMNS.split(", ")]


@dataclass(frozen=True, slots=True)
class KeptValues:
    """A `Fetch`."""

    database: Database

    async def __call__(self, tenant: str, names: Collection[str]) -> Mapping[str, bytes]:
        query = select(blobs.c.hash, blobs.c.body).where(blobs.c.tenant == tenant, blobs.c.hash.in_(list(names)))
        return {row[0]: row[1] for row in await self.database.rows(query)}


@dataclass(frozen=True, slots=True)
class RunLists:
    database: Database

    async def list(self, tenant: TenantId, wanted: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        query = select(*_COLUMNS).where(runs.c.tenant == tenant, *_conditions(wanted))
        rows = await self.database.rows(newest_first(query, runs.c.created_at, runs.c.id, limit, cursor))
        return page(await whole_runs(KeptValues(self.database), rows), limit, run_of, lambda row: (repr(row[6]), row[0]))

    async def count(self, tenant: TenantId, wanted: RunFilter) -> int:
        query = select(func.count()).select_from(runs).where(runs.c.tenant == tenant, *_conditions(wanted))
        return int((await self.database.rows(query))[0][0])


def _conditions(wanted: RunFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        found.append(runs.c.status == wanted.status.value)
    if wanted.workflow is not None:
        found.append(or_(runs.c.workflow == wanted.workflow, runs.c.workflow.startswith(f"{wanted.workflow}@", autoescape=True)))
    if wanted.thread is not None:
        found.append(runs.c.thread == wanted.thread)
    if wanted.session is not None:
        found.append(runs.c.thread.in_(select(threads.c.id).where(threads.c.session == wanted.session)))
    if wanted.since is not None:
        found.append(runs.c.created_at >= seconds(wanted.since))
    if wanted.until is not None:
        found.append(runs.c.created_at < seconds(wanted.until))
    return found
