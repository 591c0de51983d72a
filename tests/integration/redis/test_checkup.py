"""What the doctor measures, at real servers."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import DatabaseError
from domain.ids import WorkerId
from domain.ports.lanes import Lanes
from infrastructure.checkup.installation import Installation
from infrastructure.checkup.store import StoreCheckup
from infrastructure.clock import SystemClock
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Alias, ModelSettings
from infrastructure.redis.link import open_link
from infrastructure.redis.registry import RedisRegistry
from infrastructure.store.migrate import HEAD, upgrade
from tests.integration.redis.test_registry import card
from tests.servers.redis import RedisServer, running_redis
from tests.servers.shared import execute

CLOCK = SystemClock()
# A lapsed lease, a live one, one that stumbles, one that is parked for an operator, one that is parked for a signal, one without a place.
_ROWS = """
INSERT INTO runs (id, tenant, thread, workflow, workflow_hash, status, created_at, asked, outcome) VALUES
    ('lapsed', 't', 'a', 'w', 'h', 'running', 0, '{{}}', '{{}}'), ('live', 't', 'b', 'w', 'h', 'running', 0, '{{}}', '{{}}'),
    ('asks', 't', 'c', 'w', 'h', 'parked', 0, '{{}}', '{{"waiting_for":[{{"activation":"/a#1","kind":"needs_attention"}}]}}'),
    ('waits', 't', 'd', 'w', 'h', 'parked', 0, '{{}}', '{{"waiting_for":[{{"activation":"/a#1","kind":"signal"}}]}}'),
    ('astray', 't', 'e', 'w', 'h', 'running', 0, '{{}}', '{{}}');
INSERT INTO heads (thread, tenant, position, epoch) VALUES ('a', 't', 1, 1), ('b', 't', 1, 1), ('c', 't', 1, 1), ('d', 't', 1, 1);
INSERT INTO queue (run, tenant, thread, line, due_at, worker, epoch, wishes, until, deliveries) VALUES
    ('lapsed', 't', 'a', 'a', 0, 'gone', 1, 0, {now} - 61, 1), ('live', 't', 'b', 'b', 0, 'here', 1, 0, {now} - 5 + 30, 3),
    ('asks', 't', 'c', 'c', 9e9, NULL, 1, 0, NULL, 0), ('waits', 't', 'd', 'd', 9e9, NULL, 1, 0, NULL, 0);
INSERT INTO budgets (id, tenant, name, created_at, most, unit, revision, body) VALUES
    ('1', 't', 'words', 0, '9', 'tokens', 0, '{{}}'), ('2', 't', 'team', 0, '9', 'EUR', 0, '{{}}');
INSERT INTO model_lanes (name, written) VALUES ('health:openai',
    '{{"a":{{"at":{now},"error":"timeout","error_at":{now},"open_until":{now},"requests":2,"tokens":7}}}}');
"""
SMART = ModelSettings({"smart": Alias(("openai/gpt-4o-mini", "openia/gpt"))})


def models(lanes: Lanes) -> ConfiguredModels:
    return ConfiguredModels(SMART, lanes=lanes)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        new_database: Callable[[], str] = request.getfixturevalue("new_postgres_database")
        return new_database()
    url = f"sqlite:///{tmp_path}/weft.db"
    upgrade(url)
    return url


def write(url: str) -> None:
    statements = _ROWS.format(now=f"{CLOCK.now().timestamp():.3f}")
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(statements)
        return
    for statement in filter(str.strip, statements.split(";")):
        execute(url, statement)


async def test_what_runs_suffer_from_is_counted(url: str) -> None:
    await asyncio.to_thread(write, url)
    work = await StoreCheckup(url, CLOCK).work(60.0)

    assert (work.lapsed, list(work.astray), list(work.stumbling)) == (1, ["astray"], [("live", 3)])
    assert (work.needs_attention, work.working) == (1, 1)
    assert list(work.money) == [("t", "team", "EUR")]
    assert (work.depth.waiting, work.depth.claimed, work.depth.parked) == (1, 1, 2), "what has lapsed may be taken, and waits"


async def test_models_are_known_or_not_have_a_key_or_not_and_how_their_providers_are(url: str) -> None:
    await asyncio.to_thread(write, url)
    (smart,) = await Installation(StoreCheckup(url, CLOCK), None, models).models()

    assert (smart.name, list(smart.unknown)) == ("smart", ["openia/gpt"])
    listed, _ = smart.chain
    assert (listed.usable, listed.reason) == (False, "no key: set OPENAI_API_KEY")
    assert listed.health is not None
    assert (listed.health.breaker, listed.health.last_error) == ("half_open", "timeout")


async def test_of_a_database_that_is_not_there_models_are_told_without_their_providers(tmp_path: Path) -> None:
    (smart,) = await Installation(StoreCheckup(f"sqlite:///{tmp_path}/none.db", CLOCK), None, models).models()

    assert [card.health for card in smart.chain] == [None, None]


async def test_an_empty_installation_is_well(url: str) -> None:
    checkup = StoreCheckup(url, CLOCK)
    store, work = await checkup.vitals(), await checkup.work(60.0)

    assert (store.schema, store.newest, store.known, list(store.unsafe)) == (HEAD, HEAD, True, [])
    assert abs(store.now - CLOCK.now().timestamp()) < 1
    assert (work.lapsed, list(work.astray), list(work.stumbling), work.needs_attention, work.working) == (0, [], [], 0, 0)


@pytest.mark.postgres
async def test_commits_that_may_be_lost_are_named(new_postgres_database: Callable[[], str]) -> None:
    url = new_postgres_database()
    execute(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET synchronous_commit = off')

    assert list((await StoreCheckup(url, CLOCK).vitals()).unsafe) == ["synchronous_commit = off"]


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "weft.db"
    vitals = await StoreCheckup(f"sqlite:///{path}", CLOCK).vitals()
    with pytest.raises(DatabaseError, match="there is no file"):
        await StoreCheckup(f"sqlite:///{path}", CLOCK).work(60.0)

    assert vitals.schema is None
    assert not path.exists()


async def test_a_redis_tells_its_clock_and_the_workers_in_it(emptied_redis: RedisServer) -> None:
    async with open_link(emptied_redis.url) as link:
        await RedisRegistry(link, 60.0).beat(replace(card("a"), id=WorkerId("a")))
    found = await Installation(StoreCheckup("memory:", CLOCK), emptied_redis.url, models).redis()

    assert found is not None
    assert (found.away, [worker.id for worker in found.workers]) == ("", ["a"])
    assert abs(found.now - CLOCK.now().timestamp()) < 1
    assert 0 < found.seconds < 0.5


async def test_a_wrong_password_is_told_and_not_shown(tmp_path: Path) -> None:
    with running_redis(tmp_path, password="right") as locked:
        locked.password = "mistaken-secret"
        found = await Installation(StoreCheckup("memory:", CLOCK), locked.url, models).redis()
        locked.password = "right"

    assert found is not None
    assert found.away
    assert "mistaken-secret" not in str(found)
