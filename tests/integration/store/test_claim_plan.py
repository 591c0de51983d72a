"""A claim costs what it takes, not what waits: it walks the due ones in order, and stops."""

import asyncpg
import pytest

from infrastructure.store.postgres.connections import open_pool
from infrastructure.store.postgres.queue import _CLAIM
from infrastructure.store.store import Store
from tests.integration.store.builders import many_claims


@pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_claim_reads_the_queue_in_its_order_even_without_statistics(store: Store, url: str) -> None:
    await many_claims(store, 50)
    connection = await asyncpg.connect(url)
    await connection.execute("DELETE FROM pg_statistic WHERE starelid IN ('queue'::regclass, 'heads'::regclass)")
    await connection.close()

    statement = _CLAIM.replace("$1", "'ann'").replace("$2", "10").replace("$3", "60")
    async with open_pool(url) as database:
        plan = [str(row[0]).strip() for row in await database.rows(f"EXPLAIN (COSTS OFF) {statement}")]

    due = plan[plan.index("CTE due") : plan.index("CTE raised")]
    walk = next(number for number, line in enumerate(due) if "using ix_queue_due_at_number" in line)
    assert due[walk + 1].startswith("Index Cond: (due_at <="), due
    assert not [line for line in due if "Sort" in line or "Seq Scan" in line], due
