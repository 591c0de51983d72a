"""The audit trail of a process: what is noted and what is recorded, and what becomes of both while the database is away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from domain.audit import LOST, Deed, verify
from domain.errors import DatabaseError
from domain.ids import TenantId
from domain.json import Json
from infrastructure.store.memory.audit import MemoryAudit
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.line import Line
from infrastructure.trail import MOST_NOTES, MOST_TOGETHER, NOTED_SECONDS, RECORD_SECONDS, TELL_SECONDS, GroupedTrail
from tests.virtual_time import BEGINNING, VirtualClock

ACME, OTHER = TenantId("acme"), TenantId("other")
MOMENT = 0.001


@dataclass
class Database:
    """Takes `seconds` for a batch, and refuses while it `is_away`; `batches` has what it was asked to take."""

    kept: MemoryAudit = field(default_factory=lambda: MemoryAudit(Book(Line())))
    seconds: float = 0.0
    is_away: bool = False
    batches: list[list[str]] = field(default_factory=list)

    async def append(self, deeds: Sequence[Deed]) -> None:
        self.batches.append([deed.resource for deed in deeds])
        await asyncio.sleep(self.seconds)
        if self.is_away:
            raise DatabaseError("nobody answers")
        await self.kept.append(deeds)

    def __getattr__(self, name: str) -> object:
        return getattr(self.kept, name)


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def trail(database: Database) -> GroupedTrail:
    return GroupedTrail(database, VirtualClock())  # type: ignore[arg-type]


def a_deed(name: str, tenant: TenantId = ACME) -> Deed:
    return Deed(tenant, BEGINNING, "ann", "tool.call", name, "allow")


async def kept(trail: GroupedTrail, tenant: TenantId = ACME) -> list[str]:
    return [record.deed.resource for record in await trail.read(tenant, 0, 100_000)]


async def test_a_note_is_there_within_a_quarter_of_a_second(trail: GroupedTrail, database: Database) -> None:
    trail.note(a_deed("one"))
    await asyncio.sleep(NOTED_SECONDS / 2)
    trail.note(a_deed("two"))
    assert await kept(trail) == []

    await asyncio.sleep(NOTED_SECONDS / 2 + MOMENT)
    assert await kept(trail) == ["one", "two"]
    assert database.batches == [["one", "two"]]


async def test_what_is_recorded_is_there_at_once_with_all_that_was_noted_before(trail: GroupedTrail) -> None:
    trail.note(a_deed("noted"))
    await trail.record(a_deed("recorded"))

    assert asyncio.get_running_loop().time() < MOMENT
    assert await kept(trail) == ["noted", "recorded"]


async def test_what_comes_while_a_batch_is_written_shares_the_next(trail: GroupedTrail, database: Database) -> None:
    database.seconds = 0.5
    first = asyncio.create_task(trail.record(a_deed("first")))
    await asyncio.sleep(0.1)
    await asyncio.gather(first, *(trail.record(a_deed(str(number))) for number in range(99)))

    assert database.batches == [["first"], [str(number) for number in range(99)]]
    assert asyncio.get_running_loop().time() == pytest.approx(1.0)


async def test_notes_that_fill_a_batch_do_not_wait(trail: GroupedTrail, database: Database) -> None:
    for number in range(MOST_TOGETHER + 1):
        trail.note(a_deed(str(number)))
    await asyncio.sleep(MOMENT)
    assert [len(batch) for batch in database.batches] == [MOST_TOGETHER, 1]


async def test_notes_that_come_to_fill_a_batch_wait_no_longer(trail: GroupedTrail, database: Database) -> None:
    trail.note(a_deed("first"))
    await asyncio.sleep(MOMENT)
    for number in range(MOST_TOGETHER - 1):
        trail.note(a_deed(str(number)))
    await asyncio.sleep(MOMENT)

    assert len(database.batches) == 1


async def test_while_half_of_what_may_wait_waits_there_is_no_room(trail: GroupedTrail, database: Database) -> None:
    database.seconds = 1.0
    for number in range(MOST_NOTES // 2):
        assert trail.has_room
        trail.note(a_deed(str(number)))
    assert not trail.has_room

    await trail.close()
    assert trail.has_room


async def test_while_the_database_is_away_who_records_is_told_and_notes_are_kept(
    trail: GroupedTrail, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.is_away = True
    trail.note(a_deed("noted"))
    with pytest.raises(DatabaseError, match="nobody answers"):
        await trail.record(a_deed("recorded"))
    await asyncio.sleep(30)
    assert len(database.batches) <= 32, "a database that is away is asked once a second"

    database.is_away = False
    await asyncio.sleep(2)
    assert await kept(trail) == ["noted"]
    assert [record.message for record in caplog.records] == ["the audit trail cannot be written; what was noted is tried again"]


async def test_whoever_records_waits_for_a_database_that_hangs_so_long_and_no_longer(trail: GroupedTrail, database: Database) -> None:
    database.seconds = 3600.0
    first = asyncio.create_task(trail.record(a_deed("under way")))
    await asyncio.sleep(1)
    with pytest.raises(DatabaseError, match="within 10 s"):
        await trail.record(a_deed("given up"))
    assert asyncio.get_running_loop().time() == pytest.approx(1 + RECORD_SECONDS)
    with pytest.raises(DatabaseError):
        await first

    trail.note(a_deed("later"))
    await asyncio.sleep(2 * 3600)
    assert await kept(trail) == ["under way", "later"], "nobody waits for what was given up, and it is not written"


async def test_notes_that_nobody_can_take_are_counted_and_the_count_is_on_the_trail(
    trail: GroupedTrail, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.is_away = True
    for number in range(MOST_NOTES):
        trail.note(a_deed(str(number)))
    for number in range(7):
        trail.note(a_deed("lost", ACME if number else OTHER))
    database.is_away = False
    await asyncio.sleep(2)
    trail.note(a_deed("after"))
    await trail.close()

    records = await trail.read(ACME, 0, 100_000)
    assert [record.deed.resource for record in records] == [*map(str, range(MOST_NOTES)), "audit", "after"]
    lost = records[MOST_NOTES].deed
    assert (lost.action, lost.effect, lost.about) == (LOST, "lost", {"deeds": 6})
    assert [record.deed.about for record in await trail.read(OTHER, 0, 9)] == [{"deeds": 1}]
    assert "6 deeds of the tenant acme were not put on the audit trail" in caplog.text


async def test_closing_writes_what_is_left_and_then_nothing_is_taken(trail: GroupedTrail, database: Database) -> None:
    trail.note(a_deed("one"))
    recording = asyncio.create_task(trail.record(a_deed("two")))
    await asyncio.sleep(0)
    await trail.close()

    await recording
    assert await kept(trail) == ["one", "two"]
    assert asyncio.get_running_loop().time() < NOTED_SECONDS
    with pytest.raises(DatabaseError, match="closed"):
        await trail.record(a_deed("three"))
    trail.note(a_deed("four"))
    assert await kept(trail) == ["one", "two"]


async def test_closing_with_the_database_away_ends_and_says_what_is_lost(
    trail: GroupedTrail, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.is_away = True
    for number in range(3):
        trail.note(a_deed(str(number)))
    await trail.close()

    assert "3 deeds were not put on the audit trail" in caplog.text


async def test_a_chain_that_was_tampered_with_takes_nothing_and_stops_no_other(trail: GroupedTrail, database: Database) -> None:
    await trail.record(a_deed("one"))
    del database.kept.book.audit_heads[ACME]
    trail.note(a_deed("noted"))
    trail.note(a_deed("elsewhere", OTHER))
    with pytest.raises(DatabaseError, match="behind its head"):
        await trail.record(a_deed("recorded"))
    await trail.record(a_deed("there too", OTHER))

    assert await kept(trail, OTHER) == ["elsewhere", "there too"]
    assert await kept(trail) == ["one"]
    database.kept.book.audit_heads[ACME] = verify(await database.kept.read(ACME, 0, 9)).head
    await asyncio.sleep(TELL_SECONDS)
    await trail.record(a_deed("two"))
    await trail.close()
    assert [record.deed.about for record in await trail.read(ACME, 1, 9)] == [{}, {"deeds": 1}]


async def test_whoever_stops_waiting_takes_no_other_with_him(trail: GroupedTrail, database: Database) -> None:
    database.seconds = 1.0
    gone = asyncio.create_task(trail.record(a_deed("gone")))
    stays = asyncio.create_task(trail.record(a_deed("stays")))
    await asyncio.sleep(0.5)
    gone.cancel()
    await stays

    assert await kept(trail) == ["gone", "stays"]


async def test_a_secret_that_found_its_way_into_a_deed_is_not_written(database: Database) -> None:
    trail = GroupedTrail(database, VirtualClock(), lambda text: text.replace("s3cret", "***"))  # type: ignore[arg-type]
    about: dict[str, Json] = {"path": ["a", {"of": "s3cret"}], "count": 1}
    await trail.record(replace(a_deed("/v1/items/s3cret"), rule="no s3cret", about=about))
    await trail.record(a_deed("plain"))

    first, second = await trail.read(ACME, 0, 9)
    assert (first.deed.resource, first.deed.rule, first.deed.about) == (
        "/v1/items/***",
        "no ***",
        {"path": ["a", {"of": "***"}], "count": 1},
    )
    assert second.deed == a_deed("plain")
