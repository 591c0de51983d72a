"""The audit trail over a connection to PostgreSQL that breaks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from asyncpg.transaction import Transaction

from domain.audit import verify
from domain.errors import DatabaseError
from domain.ids import TenantId
from infrastructure.clock import SystemClock
from infrastructure.store.bells import Bells
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from infrastructure.trail import GroupedTrail
from tests.integration.store.builders import graph_of
from tests.integration.store.test_audit import a_deed, deeds
from tests.servers.cutting_proxy import CuttingProxy, Loses, cutting_proxy

ACME, OTHER = TenantId("acme"), TenantId("other")
COMMIT = "_Transaction__commit"
"""What asyncpg does at the end of a transaction."""


@pytest.fixture(params=[pytest.param("postgres", marks=pytest.mark.postgres)])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[CuttingProxy]:
    async with cutting_proxy(urlsplit(url).port or 0) as opened:
        yield opened


@asynccontextmanager
async def through(proxy: CuttingProxy, url: str) -> AsyncIterator[Store]:
    far = url.replace(f":{urlsplit(url).port}/", f":{proxy.port}/")
    async with open_store(far, parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None, hints=Bells()) as store:
        yield store


@pytest.mark.parametrize(
    ("lost", "stands"), [(Loses.QUESTION, False), (Loses.ANSWER, True)], ids=["the question is lost", "the answer is lost"]
)
async def test_deeds_whose_commit_is_lost_stand_once_or_not_at_all(
    store: Store, proxy: CuttingProxy, url: str, lost: Loses, stands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = getattr(Transaction, COMMIT)

    async def cut(transaction: Transaction) -> None:
        monkeypatch.undo()
        proxy.cut_next(lost)
        await commit(transaction)

    async with through(proxy, url) as far:
        await far.audit.append([a_deed(ACME, 1)])
        monkeypatch.setattr(Transaction, COMMIT, cut)
        if stands:
            await far.audit.append([a_deed(ACME, 2), a_deed(OTHER, 2)])
        else:
            with pytest.raises(DatabaseError):
                await far.audit.append([a_deed(ACME, 2), a_deed(OTHER, 2)])
        await far.audit.append([a_deed(ACME, 3)])

    assert proxy.cuts == 1
    assert await deeds(store, ACME) == [a_deed(ACME, number) for number in ((1, 2, 3) if stands else (1, 3))]
    assert len(await deeds(store, OTHER)) == (1 if stands else 0)
    assert verify(await store.audit.read(ACME, 0, 9)).broken is None


async def test_notes_wait_for_a_database_that_is_away_and_who_records_is_told(store: Store, proxy: CuttingProxy, url: str) -> None:
    async with through(proxy, url) as far:
        trail = GroupedTrail(far.audit, SystemClock())
        await trail.record(a_deed(ACME, 1))
        proxy.is_down = True
        await proxy.break_now()
        trail.note(a_deed(ACME, 2))
        with pytest.raises(DatabaseError):
            await trail.record(a_deed(ACME, 3))
        trail.note(a_deed(ACME, 4))
        proxy.is_down = False
        await trail.close()

    assert await deeds(store, ACME) == [a_deed(ACME, number) for number in (1, 2, 4)]
