"""Published prompts; what the start of a run asks of them is in `prompt_rows`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from domain.errors import PromptNotFound
from domain.ids import TenantId
from domain.ports.repositories import Page
from domain.prompt import PromptVersion, Rollout
from infrastructure.store.codec import encode
from infrastructure.store.missing import NAMED_AT_MOST, no_prompt, no_prompt_version
from infrastructure.store.prompt_rows import prompt_of
from infrastructure.store.prompt_tables import prompt_rollouts as rollouts
from infrastructure.store.prompt_tables import prompt_versions as prompts
from infrastructure.store.rows import seconds
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
                return prompt_of(known[0]), False
            last = select(func.coalesce(func.max(prompts.c.number), 0) + 1).where(mine).scalar_subquery()
            new = self.database.insert(prompts).values({**_row_of(version), "number": last}).on_conflict_do_nothing()
            if made := await self.database.rows(new.returning(*prompts.c)):
                return prompt_of(made[0]), True

    async def missing(self, tenant: TenantId, name: str, number: int | None) -> PromptNotFound:
        """What to say of one that is not there."""
        mine = select(prompts.c.number).where(_named(tenant, name)).order_by(prompts.c.number.desc())
        if number is not None and (rows := await self.database.rows(mine)):
            return no_prompt_version(name, number, [row[0] for row in rows])
        return no_prompt(name, await self._names(tenant))

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[PromptVersion]:
        newest = (
            select(prompts.c.name, func.max(prompts.c.number).label("number")).where(prompts.c.tenant == tenant).group_by(prompts.c.name)
        )
        one = newest.subquery()
        mine = (prompts.c.tenant == tenant) & (prompts.c.name == one.c.name) & (prompts.c.number == one.c.number)
        rows = await self.database.rows(by_name(select(prompts).join(one, mine), prompts.c.name, limit, cursor))
        return page(rows, limit, prompt_of, lambda row: (row[1],))

    async def versions(self, tenant: TenantId, name: str) -> Sequence[PromptVersion]:
        query = select(prompts).where(_named(tenant, name)).order_by(prompts.c.number.desc())
        if rows := await self.database.rows(query):
            return [prompt_of(row) for row in rows]
        raise await self.missing(tenant, name, None)

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
