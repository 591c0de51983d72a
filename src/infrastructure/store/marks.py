"""Idempotency marks, in the words that both databases share."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.errors import IdempotencyConflict
from domain.ids import TenantId
from domain.ports.repositories import IdempotencyMark
from infrastructure.store.rows import Row, seconds

MARK_SECONDS: Final = 24 * 3600.0
FORGOTTEN_AT_ONCE: Final = 100
_ONE_IN: Final = 16
_IS_OVER = f"excluded.at - m.at >= {MARK_SECONDS}"
KNOWN = f"SELECT digest, run FROM idempotency WHERE tenant = $1 AND key = $2 AND at > $3 - {MARK_SECONDS}"
TAKE = f"""INSERT INTO idempotency AS m (tenant, key, digest, run, at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant, key) DO UPDATE SET
        digest = CASE WHEN {_IS_OVER} THEN excluded.digest ELSE m.digest END,
        run = CASE WHEN {_IS_OVER} THEN excluded.run ELSE m.run END,
        at = CASE WHEN {_IS_OVER} THEN excluded.at ELSE m.at END
    RETURNING digest, run"""
SETTLE = """UPDATE idempotency AS m SET run = CASE WHEN m.run = '' THEN $4 ELSE m.run END
    WHERE tenant = $1 AND key = $2 AND digest = $3 RETURNING digest, run"""
# The time stands outside as well: a mark that was taken anew while this waited for its row must stay.
FORGET = """DELETE FROM idempotency WHERE at < $1 AND (tenant, key) IN (
    SELECT tenant, key FROM idempotency WHERE at < $1 ORDER BY at LIMIT $2 {unless_locked})"""


def taking(tenant: TenantId, mark: IdempotencyMark, subject: str) -> Row:
    """The values of `TAKE`."""
    return (tenant, mark.key, mark.digest, subject, seconds(mark.at))


def forgetting(now: datetime) -> Row:
    """The values of `FORGET`."""
    return (seconds(now) - MARK_SECONDS, FORGOTTEN_AT_ONCE)


def subject_of(asked: IdempotencyMark, row: Row) -> str:
    """What a mark knows, from its digest and subject; `IdempotencyConflict` when it is another request's."""
    digest, subject = row
    refuse_another(asked, digest)
    return str(subject)


def refuse_another(asked: IdempotencyMark, digest: str) -> None:
    if asked.digest != digest:
        raise IdempotencyConflict(f"the key {asked.key} came before with another request: use a new key for a new request")


@dataclass(slots=True)
class Broom:
    """Every so many marks old ones are forgotten, more than came meanwhile: so the table does not grow for ever, and one that takes a
    mark hardly notices."""

    _taken: int = 0

    def is_due(self) -> bool:
        self._taken += 1
        return self._taken % _ONE_IN == 1
