"""Prompts by name and number, for the start of every run that uses one: read without what is imported for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from domain.ids import ContentHash, TenantId
from domain.prompt import PromptVersion, Rollout
from infrastructure.store.codec import plain
from infrastructure.store.cold import Cold
from infrastructure.store.later import Later
from infrastructure.store.reader import Reader
from infrastructure.store.rows import Row, moment

if TYPE_CHECKING:
    from infrastructure.store.sql.prompts import KeptPrompts

PROMPT_COLUMNS: Final = 'tenant, name, number, hash, "by", created_at, document'
_NEWEST: Final = f"SELECT {PROMPT_COLUMNS} FROM prompt_versions WHERE tenant = $1 AND name = $2 ORDER BY number DESC LIMIT 1"  # noqa: S608
_NUMBER: Final = f"SELECT {PROMPT_COLUMNS} FROM prompt_versions WHERE tenant = $1 AND name = $2 AND number = $3"  # noqa: S608
_SHARES: Final = "SELECT shares FROM prompt_rollouts WHERE tenant = $1 AND name = $2"


class QuickPrompts(Later):
    def __init__(self, reader: Reader, cold: Cold) -> None:
        super().__init__(cold.prompts)
        self._reader = reader

    async def get(self, tenant: TenantId, name: str, number: int | None = None) -> PromptVersion:
        rows = await (self._reader.few(_NEWEST, tenant, name) if number is None else self._reader.few(_NUMBER, tenant, name, number))
        if rows:
            return prompt_of(rows[0])
        raise await cast("KeptPrompts", self.rest()).missing(tenant, name, number)

    async def rollout(self, tenant: TenantId, name: str) -> Rollout:
        rows = await self._reader.few(_SHARES, tenant, name)
        return Rollout({int(number): share for number, share in plain(rows[0][0]).items()} if rows else {})


def prompt_of(row: Row) -> PromptVersion:
    tenant, name, number, content, by, created_at, document = row
    return PromptVersion(tenant, name, number, ContentHash(content), plain(document), by, moment(created_at))
