"""The history of a process: nobody waits for it, and what becomes of it while the database is away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from domain.errors import DatabaseError
from domain.history import Capture, HistoryRecord, RecordType
from domain.ids import DEFAULT_TENANT
from infrastructure.history import writing
from infrastructure.history.writing import AGAIN_SECONDS, MOST_TOGETHER, NOTED_SECONDS, GroupedHistory
from tests.virtual_time import BEGINNING

MOMENT = 0.001


@dataclass
class Database:
    """Takes `seconds` for a batch, and refuses while it `is_away`."""

    seconds: float = 0.0
    is_away: bool = False
    batches: list[list[str]] = field(default_factory=list)
    records: list[HistoryRecord] = field(default_factory=list)

    async def save(self, records: Sequence[HistoryRecord]) -> None:
        self.batches.append([record.id for record in records])
        await asyncio.sleep(self.seconds)
        if self.is_away:
            raise DatabaseError("nobody answers")
        self.records += records


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def history(database: Database) -> GroupedHistory:
    return GroupedHistory(database, lambda tenant: lambda text: text.replace("secret", "[secret]"))  # type: ignore[arg-type]


def note(history: GroupedHistory, name: str, text: str = "hello", capture: Capture = Capture.ON) -> None:
    record = HistoryRecord(name, RecordType.LLM_REQUEST, BEGINNING, DEFAULT_TENANT, data={"node": "secret"})
    history.note(record, {"text": text}, capture)


def kept(database: Database) -> list[str]:
    return [record.id for record in database.records]


async def test_what_comes_within_a_moment_is_written_together(history: GroupedHistory, database: Database) -> None:
    note(history, "one")
    await asyncio.sleep(NOTED_SECONDS / 2)
    note(history, "two")
    assert database.batches == []

    await asyncio.sleep(NOTED_SECONDS / 2 + MOMENT)
    assert database.batches == [["one", "two"]]


async def test_many_do_not_wait(history: GroupedHistory, database: Database) -> None:
    for number in range(MOST_TOGETHER + 5):
        note(history, str(number))
    await asyncio.sleep(MOMENT)

    assert len(database.records) == MOST_TOGETHER
    await history.close()
    assert len(database.records) == MOST_TOGETHER + 5


async def test_no_secret_is_written_in_facts_neither(history: GroupedHistory, database: Database) -> None:
    note(history, "on", "a secret")
    note(history, "off", "a secret", Capture.OFF)
    await history.close()

    assert [record.data for record in database.records] == [
        {"node": "[secret]", "capture": "on", "content": {"text": "a [secret]"}, "cut": False},
        {"node": "[secret]", "capture": "off"},
    ]


async def test_what_was_said_while_the_database_was_away_is_written_when_it_is_back(history: GroupedHistory, database: Database) -> None:
    database.is_away = True
    note(history, "one")
    await asyncio.sleep(NOTED_SECONDS + MOMENT)
    note(history, "two")
    await asyncio.sleep(2 * AGAIN_SECONDS)
    assert kept(database) == []

    database.is_away = False
    await asyncio.sleep(AGAIN_SECONDS)
    assert kept(database) == ["one", "two"]
    assert history.lost == 0


async def test_the_oldest_are_lost_when_too_many_wait_and_the_log_says_how_many(
    history: GroupedHistory, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writing, "MOST_WAITING", 10)
    database.is_away = True
    for number in range(14):
        note(history, str(number))
        await asyncio.sleep(NOTED_SECONDS)
    database.is_away = False
    await history.close()

    assert kept(database) == [str(number) for number in range(4, 14)]
    assert history.lost == 4
    assert "4 records of the history were lost" in caplog.text


async def test_what_waits_has_a_bound_in_characters(history: GroupedHistory, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_CHARACTERS", 100)
    for number in range(3):
        note(history, str(number), "x" * 40)
    note(history, "nothing is held of it", "x" * 1_000, Capture.OFF)
    await history.close()

    assert kept(database) == ["1", "2", "nothing is held of it"]


async def test_it_closes_while_the_database_is_away_and_says_what_is_lost(
    history: GroupedHistory, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.is_away = True
    note(history, "one")
    await asyncio.sleep(NOTED_SECONDS + MOMENT)
    note(history, "two")
    await history.close()
    note(history, "too late")

    assert history.lost == 3
    assert "2 records of the history were lost" in caplog.text


async def test_nobody_waits_for_a_database_that_is_slow(history: GroupedHistory, database: Database) -> None:
    database.seconds = 60.0
    note(history, "one")
    await asyncio.sleep(NOTED_SECONDS + MOMENT)
    began = asyncio.get_running_loop().time()
    note(history, "two")

    assert asyncio.get_running_loop().time() == began
    await history.close()
    assert kept(database) == ["one", "two"]
