"""A claim costs what it takes, not what waits: it walks the due ones in order, and stops."""

import asyncpg
import pytest

from infrastructure.store.postgres.claiming import CLAIM
from infrastructure.store.postgres.connections import open_pool
from infrastructure.store.postgres.queue import RENEW
from infrastructure.store.store import Store
from tests.integration.store.builders import many_claims, started

WAITING = 10_000
_MANY = """INSERT INTO queue (run, tenant, thread, line, due_at, epoch, wishes) SELECT 'r' || n, 'acme', 't' || n, 't' || n, n, 0, 0
    FROM generate_series(1, $1) n"""
_HEADS = "INSERT INTO heads (thread, tenant, epoch, position) SELECT 't' || n, 'acme', 0, 0 FROM generate_series(1, $1) n"
_FORGET = "DELETE FROM pg_statistic WHERE starelid IN ('queue'::regclass, 'heads'::regclass)"


async def _explained(url: str) -> list[str]:
    statement = CLAIM.replace("$1", "'ann'::text").replace("$2", "10").replace("$3", "60").replace("$4", "''")
    async with open_pool(url) as database:
        return [str(row[0]).strip() for row in await database.rows(f"EXPLAIN (COSTS OFF) {statement}")]


@pytest.mark.parametrize("statistics", [_FORGET, "ANALYZE"], ids=["without statistics", "with statistics"])
@pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_claim_reads_no_table_from_end_to_end(store: Store, url: str, statistics: str) -> None:
    await started(store)
    await many_claims(store, 50)
    connection = await asyncpg.connect(url)
    await connection.execute(_MANY, WAITING)
    await connection.execute(_HEADS, WAITING)
    await connection.execute(statistics)
    await connection.close()

    plan = await _explained(url)

    offered = plan[plan.index("CTE offered") : plan.index("CTE seen")]
    assert not [line for line in plan if "Seq Scan" in line], plan
    assert [line for line in offered if "using ix_queue_turn on queue" in line], offered
    assert not [line for line in offered if "Sort" in line], offered
    assert [line for line in plan if "using ix_queue_held on queue" in line], plan


@pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_heartbeat_changes_no_index(store: Store, url: str) -> None:
    leases = [claim.lease for claim in await many_claims(store, 20)]
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.fetch(RENEW, [lease.run for lease in leases], [lease.epoch for lease in leases], "ann", 60.0)
        hot = await connection.fetchval("SELECT pg_stat_get_xact_tuples_hot_updated('queue'::regclass)")
    await connection.close()

    assert hot == len(leases)
