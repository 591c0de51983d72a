import asyncio
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ValidationError
from infrastructure.store.bell import Bell
from infrastructure.store.cursor import pack, unpack
from infrastructure.store.sqlite.many import LARGEST, execute_in_portions
from infrastructure.store.versions import rank

NEVER = 3600.0


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=4))
def test_a_cursor_comes_back_as_it_was_packed(keys: list[str]) -> None:
    assert unpack(pack(keys), len(keys)) == tuple(keys)


@given(st.text())
def test_a_cursor_from_elsewhere_is_refused_and_nothing_worse(cursor: str) -> None:
    with pytest.raises(ValidationError):
        unpack(cursor, 7)


def test_a_cursor_with_another_number_of_keys_is_refused() -> None:
    with pytest.raises(ValidationError):
        unpack(pack(["a"]), 2)


def test_versions_are_ranked_as_semver_says() -> None:
    words = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.9.9 1.10.0"
    ranks = [rank(version) for version in words.split()]

    assert ranks == sorted(set(ranks))
    assert rank("1.0.0+one") == rank("1.0.0+two")


async def test_a_bell_wakes_everybody_who_listens() -> None:
    bell = Bell()
    listening = [asyncio.create_task(bell.heard(NEVER)) for _ in range(3)]
    await asyncio.sleep(0)

    bell.ring()

    done, _ = await asyncio.wait(listening, timeout=10)
    assert len(done) == 3


async def test_a_bell_rung_with_nobody_near_is_heard_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()

    async with asyncio.timeout(10):
        await bell.heard(NEVER)
    again = asyncio.create_task(bell.heard(NEVER))
    await asyncio.wait([again], timeout=0.01)

    assert not again.done()
    again.cancel()


async def test_who_listens_to_a_silent_bell_is_let_go() -> None:
    listening = asyncio.create_task(Bell().heard(0.001))

    done, _ = await asyncio.wait([listening], timeout=10)

    assert done == {listening}


@pytest.mark.parametrize("count", [0, 1, 3, LARGEST, LARGEST + 1, 3 * LARGEST - 5])
def test_any_number_of_rows_goes_into_full_portions(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER NOT NULL, b TEXT)")
    insert = "INSERT INTO t SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL"

    assert execute_in_portions(connection, insert, 2, [value for number in range(count) for value in (number, "x")]) == count
    assert [row[0] for row in connection.execute("SELECT a FROM t ORDER BY a")] == list(range(count))
