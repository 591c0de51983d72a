"""A page of the history costs what it shows, not what there is: it walks an index in order, and stops."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

import asyncpg
import pytest

from domain.history import RecordType
from domain.ids import RunId, SessionId, TenantId
from domain.ports.history import HistoryQuery
from infrastructure.store.history_asking import Asking
from infrastructure.store.history_rows import PLACES, places_of
from infrastructure.store.postgres.connections import open_pool
from infrastructure.store.sqlite.connections import question_marks
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON

REAL = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
MANY = 4_000
_OF_FEW = ("SCAN mine", "SCAN w")
"""What was found by an index before."""
QUERIES = {
    "time": HistoryQuery(since=NOON, until=NOON + timedelta(days=1)),
    "type": HistoryQuery(RecordType.LLM_REQUEST),
    "run": HistoryQuery(run=RunId("run-8")),
    "session": HistoryQuery(session=SessionId("session-8")),
    "model": HistoryQuery(model="model-8"),
    "type and time": HistoryQuery(RecordType.LLM_RESPONSE, since=NOON),
    "text": HistoryQuery(text="needle", since=NOON),
}
_OF_LINES = {"time": "ix_usage_tenant_at", "session": "ix_usage_session", "model": "ix_usage_model", "run": "KEY OF usage"}
INDEXES = {
    **{(name, place): index for name, index in _OF_LINES.items() for place in PLACES[1:3]},
    **{(name, PLACES[0]): f"ix_history_{name}" for name in ("run", "session", "model")},
    **{(name, PLACES[0]): "ix_history_tenant_type_at_id" for name in ("type", "type and time")},
    **{(name, PLACES[0]): "KEY OF history" for name in ("time", "text")},
    ("time", PLACES[3]): "ix_runs_tenant_ended_at",
    ("session", PLACES[3]): "ix_threads_session",
    ("run", PLACES[3]): "KEY OF runs",
}
KEYS = {
    "sqlite": {f"KEY OF {table}": f"sqlite_autoindex_{table}_1" for table in ("history", "runs", "usage")},
    "postgres": {"KEY OF history": "pk_history", "KEY OF runs": "pk_runs", "KEY OF usage": "uq_usage_run"},
}
# Every thousandth row has the words. As much as a tenant's, and as much again of others.
_FILL_SQLITE = """WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :most)
    INSERT INTO history SELECT CASE n % 2 WHEN 0 THEN 'acme' ELSE 'other' END, {noon} + n, 'id-' || n,
    CASE n % 3 WHEN 0 THEN 'llm_request' WHEN 1 THEN 'llm_response' ELSE 'tool_execution' END,
    'run-' || (n % 1000), 'session-' || (n % 500), 'ann', 'model-' || (n % 50),
    CASE n % 1000 WHEN 0 THEN 'a needle' ELSE 'hay' END, '{{}}' FROM n"""
_FILL_POSTGRES = _FILL_SQLITE.partition(")\n    ")[2].replace("'{{}}' FROM n", "'{{}}'::bytea FROM generate_series(1, {most}) n")


async def fill(url: str, most: int = MANY) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute(_FILL_SQLITE.format(noon=NOON.timestamp()), {"most": most})
            connection.commit()
        return
    connection = await asyncpg.connect(url)
    await connection.execute(_FILL_POSTGRES.format(noon=NOON.timestamp(), most=most))
    await connection.close()


async def explained(url: str, place: str, wanted: HistoryQuery, end: tuple[float, str] | None) -> Sequence[str]:
    asking = Asking(TenantId("acme"), wanted, 51, end)
    statement = asking.statement(place)
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {question_marks(statement)}", asking.values)]
    async with open_pool(url) as database:
        return [str(row[0]).strip() for row in await database.rows(f"EXPLAIN (COSTS OFF) {statement}", *asking.values)]


@pytest.mark.parametrize("backend", REAL, indirect=True)
async def test_a_page_walks_its_index_and_sorts_only_what_is_few(store: Store, url: str, backend: str) -> None:
    await fill(url)
    for name, wanted in QUERIES.items():
        for place in places_of(wanted):
            for end in (None, (NOON.timestamp(), "7")):
                plan = await explained(url, place, wanted, end)
                told, index = "; ".join(plan), INDEXES[name, place]
                assert KEYS[backend].get(index, index) in told, (name, place, end, plan)
                assert not [line for line in plan if line.startswith("SCAN ") and line not in _OF_FEW], (name, place, end, plan)
                assert not [line for line in plan if "Seq Scan" in line], (name, place, end, plan)
                sorts = [line for line in plan if "TEMP B-TREE FOR ORDER BY" in line or line.lstrip("-> ") == "Sort"]
                assert not sorts or "mine" in told, (name, place, end, plan)


@pytest.mark.parametrize("backend", REAL, indirect=True)
async def test_what_the_index_finds_is_what_is_wanted(store: Store, url: str) -> None:
    await fill(url)
    found = {name: len((await store.history.query(TenantId("acme"), wanted, 50, None)).items) for name, wanted in QUERIES.items()}

    assert found == {"time": 50, "type": 50, "run": 4, "session": 8, "model": 50, "type and time": 50, "text": 4}
