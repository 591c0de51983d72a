"""Two claims on PostgreSQL, one of which ends while the other is on its way."""

import asyncio

import pytest

from domain.ports.repositories import NewRun
from domain.run.terms import Gate, Terms
from infrastructure.store.postgres import queue
from infrastructure.store.postgres.claiming import CLAIM
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, BOB, LONG, a_run, a_tenant

GATES = "FROM gates g JOIN wanted USING (tenant, key) FOR UPDATE"
SLOWLY = "FROM gates g JOIN wanted USING (tenant, key) CROSS JOIN (SELECT pg_sleep(0.5)) waited FOR UPDATE"


@pytest.mark.parametrize(
    "terms",
    [
        pytest.param(Terms(slot=Gate("k", 1)), id="a slot"),
        pytest.param(Terms(rate=Gate("r", 1, 3600.0)), id="a rate"),
    ],
)
@pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_gate_that_another_claim_went_through_meanwhile_is_passed_over(
    store: Store, terms: Terms, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = a_tenant()
    for _ in range(4):
        await store.runs.start(NewRun(a_run(tenant), terms=terms))
    assert GATES in CLAIM
    monkeypatch.setattr(queue, "CLAIM", CLAIM.replace(GATES, SLOWLY))
    slow = asyncio.create_task(store.queue.claim(ANN, 1, LONG))
    await asyncio.sleep(0.1)  # it has chosen its run by now, and counted
    monkeypatch.setattr(queue, "CLAIM", CLAIM)

    quick = await store.queue.claim(BOB, 1, LONG)

    assert len(quick) == 1
    assert not slow.done()
    assert not await slow
