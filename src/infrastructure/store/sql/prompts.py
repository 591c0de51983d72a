"""Published prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from domain.ids import ContentHash, TenantId
from domain.ports.repositories import Page
from domain.prompt import PromptVersion, Rollout
from infrastructure.store.codec import encode, plain
from infrastructure.store.missing import NAMED_AT_MOST, no_prompt, no_prompt_version
from infrastructure.store.prompt_tables import prompt_rollouts as rollouts
from infrastructure.store.prompt_tables import prompt_versions as prompts
from infrastructure.store.rows import Row, moment, seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import by_name, page


@dataclass(frozen=True, slots=True)
class KeptPrompts:
    database: Database

    async def publish(self, version: PromptVersion) -> tuple[PromptVersion, bool]:
        """The insert decides: whoever finds the number or the content taken by then looks again."""
        while True:
            mine = _named(version.tenant, version.name)
            if known := await self.database.rows(select(prompts).where(mine, prompts.c.hash == version.hash)):
                return _version_of(known[0]), False
            last = select(func.coalesce(func.max(prompts.c.number), 0) + 1).where(mine).scalar_subquery()
            new = self.database.insert(prompts).values({**_row_of(version), "number": last}).on_conflict_do_nothing()
            if made := await self.database.rows(new.returning(*prompts.c)):
                return _version_of(made[0]), True

    async def get(self, tenant: TenantId, name: str, number: int | None = None) -> PromptVersion:
        mine = select(prompts).where(_named(tenant, name)).order_by(prompts.c.number.desc()).limit(1)
        if rows := await self.database.rows(mine if number is None else mine.where(prompts.c.number == number)):
            return _version_of(rows[0])
        if number is None:
            raise no_prompt(name, await self._names(tenant))
        raise no_prompt_version(name, number, [one.number for one in await self.versions(tenant, name)])

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[PromptVersion]:
        newest = (
            select(prompts.c.name, func.max(prompts.c.number).label("number")).where(prompts.c.tenant == tenant).group_by(prompts.c.name)
        )
        one = newest.subquery()
        mine = (prompts.c.tenant == tenant) & (prompts.c.name == one.c.name) & (prompts.c.number == one.c.number)
        rows = await self.database.rows(by_name(select(prompts).join(one, mine), prompts.c.name, limit, cursor))
        return page(rows, limit, _version_of, lambda row: (row[1],))

    async def versions(self, tenant: TenantId, name: str) -> Sequence[PromptVersion]:
        query = select(prompts).where(_named(tenant, name)).order_by(prompts.c.number.desc())
        if rows := await self.database.rows(query):
            return [_version_of(row) for row in rows]
        raise no_prompt(name, await self._names(tenant))

    async def rollout(self, tenant: TenantId, name: str) -> Rollout:
        mine = (rollouts.c.tenant == tenant) & (rollouts.c.name == name)
        rows = await self.database.rows(select(rollouts.c.shares).where(mine))
        return Rollout({int(number): share for number, share in plain(rows[0][0]).items()} if rows else {})

    async def roll_out(self, tenant: TenantId, name: str, rollout: Rollout) -> None:
        shares = {"shares": encode({str(number): share for number, share in rollout.shares.items()})}
        new = self.database.insert(rollouts).values(tenant=tenant, name=name, **shares)
        await self.database.change(new.on_conflict_do_update(index_elements=["tenant", "name"], set_=shares))

    async def _names(self, tenant: TenantId) -> Sequence[str]:
        query = by_name(select(prompts.c.name).distinct().where(prompts.c.tenant == tenant), prompts.c.name, NAMED_AT_MOST, None)
        return [row[0] for row in await self.database.rows(query)]


def _named(tenant: TenantId, name: str) -> ColumnElement[bool]:
    return (prompts.c.tenant == tenant) & (prompts.c.name == name)


def _row_of(version: PromptVersion) -> dict[str, object]:
    return {
        "tenant": version.tenant,
        "name": version.name,
        "hash": version.hash,
        "by": version.by,
        "created_at": seconds(version.created_at),
        "document": encode(version.document),
    }


def _version_of(row: Row) -> PromptVersion:
    tenant, name, number, content, by, created_at, document = row
    return PromptVersion(tenant, name, number, ContentHash(content), plain(document), by, moment(created_at))
