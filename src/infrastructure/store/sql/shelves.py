"""The usage ledger and API keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, tuple_

from domain.access import ApiKey, Role
from domain.errors import KeyNotFound
from domain.ids import KeyId, RunId, TenantId
from domain.usage import UsageRow, UsageState, newest
from infrastructure.store.rows import Row, moment, seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.tables import api_keys
from infrastructure.store.usage_rows import SETTLED, USAGE_COLUMNS, usage_of, usage_row
from infrastructure.store.usage_tables import usage

_USAGE = USAGE_COLUMNS.split(", ")
_KEY = ("run", "activation", "effect", "attempt", "epoch")


@dataclass(frozen=True, slots=True)
class KeptUsage:
    database: Database

    async def count(self, rows: Sequence[UsageRow]) -> None:
        if not rows:
            return
        inserted = self.database.insert(usage).values([dict(zip(_USAGE, usage_row(row), strict=True)) for row in newest(rows)])
        new = inserted.excluded
        pairs = [(now, then) for now in UsageState for then in UsageState if now.gives_way_to(then)]
        gives_way = tuple_(usage.c.state, new.state).in_(pairs)
        values = {name: new[name] for name in SETTLED}
        await self.database.change(inserted.on_conflict_do_update(index_elements=_KEY, set_=values, where=gives_way))

    async def of_run(self, tenant: TenantId, run: RunId) -> Sequence[UsageRow]:
        shown = (usage.c.run == run, usage.c.tenant == tenant, usage.c.state != UsageState.VOID)
        query = select(*(usage.c[name] for name in _USAGE)).where(*shown).order_by(usage.c.number)
        return [usage_of(row) for row in await self.database.rows(query)]


@dataclass(frozen=True, slots=True)
class KeptKeys:
    database: Database

    async def add(self, key: ApiKey) -> None:
        row = {
            "id": key.id,
            "tenant": key.tenant,
            "role": key.role.value,
            "digest": key.digest,
            "name": key.name,
            "created_at": seconds(key.created_at),
        }
        await self.database.change(insert(api_keys).values(row))

    async def by_digest(self, digest: str) -> ApiKey | None:
        rows = await self.database.rows(select(api_keys).where(api_keys.c.digest == digest))
        return _key_of(rows[0]) if rows else None

    async def list(self, tenant: TenantId) -> Sequence[ApiKey]:
        query = select(api_keys).where(api_keys.c.tenant == tenant).order_by(api_keys.c.created_at, api_keys.c.id)
        return [_key_of(row) for row in await self.database.rows(query)]

    async def remove(self, tenant: TenantId, key: KeyId) -> None:
        if not await self.database.change(delete(api_keys).where(api_keys.c.id == key, api_keys.c.tenant == tenant)):
            raise KeyNotFound(f"there is no key {key}")


def _key_of(row: Row) -> ApiKey:
    key, tenant, role, digest, name, created_at = row
    return ApiKey(key, tenant, Role(role), digest, name, moment(created_at))
