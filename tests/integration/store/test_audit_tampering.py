"""Whoever holds the database edits the audit trail behind the store's back, and verification names the row."""

# ruff: noqa: S608 - SQL is what whoever tampers types

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Final, TypeAlias

import asyncpg
import pytest

from application.access import local_admin
from application.audit import AuditDesk, Head
from application.audit_views import ChainView
from domain.audit import Deed
from domain.errors import RepositoryError
from domain.ids import TenantId
from infrastructure.store.store import Store
from infrastructure.store.urls import sqlite_path
from tests.integration.store.test_audit import a_deed

ACME, OTHER = TenantId("acme"), TenantId("other")
LENGTH: Final = 603
"""More than one portion of a verification."""
Tamper: TypeAlias = Callable[[str], None]
ROW: Final = "tenant = 'acme' AND number"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def backend(request: pytest.FixtureRequest) -> str:
    """Memory has no outside."""
    return str(request.param)


@pytest.fixture
def tamper(backend: str, url: str) -> Tamper:
    """Types SQL into the database of a store."""
    return (lambda statements: _in_sqlite(url, statements)) if backend == "sqlite" else (lambda statements: _in_postgres(url, statements))


def _in_sqlite(url: str, statements: str) -> None:
    connection = sqlite3.connect(sqlite_path(url), timeout=10)
    connection.executescript(f"BEGIN; {statements}; COMMIT")
    connection.close()


def _in_postgres(url: str, statements: str) -> None:
    async def typed() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statements)
        await connection.close()

    with asyncio.Runner() as runner:
        runner.run(typed())


async def filled(store: Store) -> Head:
    await store.audit.append([a_deed(ACME, number) for number in range(1, LENGTH + 1)])
    await store.audit.append([a_deed(OTHER, number) for number in range(1, 4)])
    return await store.audit.head(ACME)


async def verified(store: Store, kept: Head | None = None) -> ChainView:
    return await AuditDesk(store.audit).verify(local_admin("acme"), kept=kept)


def update(column: str, value: str, number: int = 300) -> str:
    return f"UPDATE audit SET {column} = {value} WHERE {ROW} = {number}"


SWAPPED: Final = "; ".join(f"UPDATE audit SET number = {new} WHERE {ROW} = {old}" for old, new in ((300, -1), (301, 300), (-1, 301)))
EDITS: Final = [
    pytest.param(update("who", "'eve'"), 300, "columns", id="who it was"),
    pytest.param(update("action", "'tool.list'"), 300, "columns", id="what was done"),
    pytest.param(update("resource", "'calculator'"), 300, "columns", id="what it was done to"),
    pytest.param(update("effect", "'deny'"), 300, "columns", id="what was decided"),
    pytest.param(update("at", "at + 0.000002"), 300, "columns", id="when it was, by two microseconds"),
    pytest.param(update("digest", f"'{'0' * 64}'"), 300, "digest", id="the digest"),
    pytest.param(update("tenant", "'third'"), 300, "missing", id="whose trail it is on"),
    pytest.param(f"DELETE FROM audit WHERE {ROW} = 300", 300, "missing", id="a row is deleted"),
    pytest.param(f"DELETE FROM audit WHERE {ROW} = 1", 1, "missing", id="the first row is deleted"),
    pytest.param(f"DELETE FROM audit WHERE {ROW} = {LENGTH}", LENGTH, "missing", id="the last row is deleted"),
    pytest.param(f"DELETE FROM audit WHERE {ROW} > 500", 501, "missing", id="many last rows are deleted"),
    pytest.param(SWAPPED, 300, "digest", id="two rows are swapped"),
    pytest.param("DELETE FROM audit_heads WHERE tenant = 'acme'", 1, "behind the end", id="the head is deleted"),
    pytest.param("UPDATE audit_heads SET number = 400 WHERE tenant = 'acme'", 400, "head", id="the head is moved back"),
    pytest.param(
        f"UPDATE audit_heads SET number = 400, digest = (SELECT digest FROM audit WHERE {ROW} = 400) WHERE tenant = 'acme'",
        401,
        "behind the end",
        id="the head is moved back to another record",
    ),
    pytest.param("UPDATE audit_heads SET digest = 'x' WHERE tenant = 'acme'", LENGTH, "head", id="the head has another digest"),
    pytest.param("UPDATE audit_heads SET number = 2000 WHERE tenant = 'acme'", LENGTH + 1, "missing", id="the head is moved on"),
    pytest.param(
        f"INSERT INTO audit SELECT tenant, {LENGTH + 1}, at, who, action, resource, effect, deed, digest FROM audit WHERE {ROW} = 9",
        LENGTH + 1,
        "behind the end",
        id="a row is put behind the last",
    ),
    pytest.param(
        f"INSERT INTO audit SELECT tenant, -5, at, 'eve', action, resource, effect, deed, digest FROM audit WHERE {ROW} = 9",
        -5,
        "before the beginning",
        id="a row is put before the first",
    ),
]


@pytest.mark.parametrize(("edit", "number", "reason"), EDITS)
async def test_one_edit_is_found_at_its_row(store: Store, tamper: Tamper, edit: str, number: int, reason: str) -> None:
    await filled(store)
    await asyncio.to_thread(tamper, edit)

    found = await verified(store)
    assert found.broken is not None
    assert (found.whole, found.broken.number) == (False, number)
    assert reason in found.broken.reason
    assert (await AuditDesk(store.audit).verify(local_admin("other"))).whole, "another tenant's chain is as it was"


async def test_an_edit_that_makes_a_text_of_the_bytes_is_found_at_its_row(store: Store, backend: str, tamper: Tamper) -> None:
    """As SQLite lets anybody do who writes `replace(deed, ...)`."""
    if backend != "sqlite":
        return
    await filled(store)
    await asyncio.to_thread(tamper, update("deed", "replace(deed, 'allow', 'deny')"))

    found = await verified(store)
    assert found.broken is not None
    assert found.broken.number == 300


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda body: body.replace(b'"allow"', b'"deny"'), id="what it says"),
        pytest.param(lambda body: body + b" ", id="how it is written"),
        pytest.param(lambda body: b"\xff\x00", id="so that it cannot be read"),
    ],
)
async def test_an_edited_deed_is_found_at_its_row_and_does_not_stop_a_list(
    store: Store, backend: str, tamper: Tamper, change: Callable[[bytes], bytes]
) -> None:
    await filled(store)
    (kept,) = await store.audit.read(ACME, 299, 1)
    literal = f"X'{change(kept.body).hex()}'" if backend == "sqlite" else f"'\\x{change(kept.body).hex()}'"
    await asyncio.to_thread(tamper, update("deed", literal))

    found = await verified(store)
    assert found.broken is not None
    assert (found.broken.number, found.broken.at) == (300, kept.record.deed.at)
    assert len(await store.audit.read(ACME, 290, 20)) == 20


async def test_a_chain_that_nobody_touched_is_whole(store: Store) -> None:
    head = await filled(store)
    told: list[tuple[int, int]] = []
    found = await AuditDesk(store.audit).verify(local_admin("acme"), kept=head, tell=lambda read, of: told.append((read, of)))

    assert (found.whole, found.read, found.number, found.digest, found.broken) == (True, LENGTH, LENGTH, head.digest, None)
    assert told == [(500, LENGTH), (LENGTH, LENGTH)]


async def test_a_tail_that_was_cut_with_its_head_shows_to_whoever_kept_the_head_elsewhere(store: Store, tamper: Tamper) -> None:
    kept = await filled(store)
    (last,) = await store.audit.read(ACME, 499, 1)
    cut = f"DELETE FROM audit WHERE {ROW} > 500"
    await asyncio.to_thread(tamper, f"{cut}; UPDATE audit_heads SET number = 500, digest = '{last.record.digest}' WHERE tenant = 'acme'")

    assert (await verified(store)).whole, "nothing inside the database tells"
    found = await verified(store, kept)
    assert found.broken is not None
    assert (found.broken.number, found.broken.reason) == (501, f"it is missing: record {LENGTH} was there when its digest was kept")


async def test_a_chain_that_was_written_anew_shows_to_whoever_kept_a_digest_elsewhere(store: Store, tamper: Tamper) -> None:
    await filled(store)
    (kept,) = await store.audit.read(ACME, 399, 1)
    await asyncio.to_thread(tamper, "DELETE FROM audit WHERE tenant = 'acme'; DELETE FROM audit_heads WHERE tenant = 'acme'")
    forged: list[Deed] = [a_deed(ACME, number, who="eve" if number == 300 else "ann") for number in range(1, LENGTH + 1)]
    await store.audit.append(forged)

    assert (await verified(store)).whole, "nothing inside the database tells"
    found = await verified(store, Head(400, kept.record.digest))
    assert found.broken is not None
    assert found.broken.number == 400


async def test_nothing_is_added_to_a_chain_that_goes_on_behind_its_head(store: Store, tamper: Tamper) -> None:
    await filled(store)
    await asyncio.to_thread(tamper, "UPDATE audit_heads SET number = 400 WHERE tenant = 'acme'")

    with pytest.raises(RepositoryError, match="goes on to 603 behind its head, which says 400"):
        await store.audit.append([a_deed(OTHER, 4), a_deed(ACME, 604)])
    assert (await store.audit.head(OTHER)).number == 3, "all of a batch or nothing"
    await store.audit.append([a_deed(OTHER, 4)])
