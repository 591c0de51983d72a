"""Several threads read as one line: nothing is lost, nothing comes twice, and each thread's own order stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.errors import ValidationError
from application.merging import MOST_ROWS, Merged, cursor_of, lines_of
from domain.ids import Position, RunId, SessionId, TenantId, ThreadId
from domain.ports.journal import Recorded
from domain.session import InteractionType, UserInteraction
from domain.thread import Thread

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TENANT = TenantId("t")

Told = dict[str, list[tuple[int, int]]]
"""By thread: for each row its second, and how many interactions it tells."""


def thread(name: str, parent_position: int = 0) -> Thread:
    return Thread(ThreadId(f"{name:0>36}"), TENANT, NOON, parent_position=Position(parent_position))


@dataclass
class Rows:
    """A journal of rows; `body` says how many interactions a row tells."""

    told: Told
    read_so_far: int = 0

    async def read(
        self, tenant: TenantId, wanted: ThreadId, after: Position, limit: int = 1000, run: RunId | None = None
    ) -> list[Recorded]:
        rows = self.told[wanted.lstrip("0")][after : after + limit]
        page = [
            Recorded(wanted, Position(number), RunId(""), "row", b"*" * count, NOON + timedelta(seconds=second))
            for number, (second, count) in enumerate(rows, after + 1)
        ]
        self.read_so_far += len(page)
        return page


async def project(row: Recorded) -> tuple[UserInteraction, ...]:
    kinds = list(InteractionType)
    return tuple(
        UserInteraction(f"{row.position}.{n}", SessionId("s"), row.thread, row.position, row.run, kinds[n], None, row.at)
        for n in range(len(row.body))
    )


def names(found: Sequence[UserInteraction]) -> list[str]:
    return [f"{one.thread.lstrip('0')}{one.interaction_id}" for one in found]


@dataclass
class Reader:
    rows: Rows
    threads: list[Thread] = field(default_factory=list)

    async def page(self, limit: int, cursor: str | None = None) -> tuple[list[str], str | None]:
        journal: Any = self.rows
        shape: Any = project
        found, following = await Merged(journal, shape, lines_of(self.threads, cursor)).page(limit)
        return names(found), following

    async def all(self, limit: int) -> list[str]:
        found, cursor = await self.page(limit)
        while cursor is not None:
            more, cursor = await self.page(limit, cursor)
            found += more
        return found


def reader(told: Told) -> Reader:
    return Reader(Rows(told), [thread(name) for name in told])


async def test_threads_are_merged_by_time() -> None:
    both = reader({"a": [(1, 1), (4, 2)], "b": [(2, 1), (3, 0), (5, 1)]})

    assert await both.all(50) == ["a1.0", "b1.0", "a2.0", "a2.1", "b3.0"]


async def test_a_page_may_end_within_a_row() -> None:
    found, cursor = await reader({"a": [(1, 2), (2, 1)]}).page(1)
    assert (found, cursor is None) == (["a1.0"], False)
    assert await reader({"a": [(1, 2), (2, 1)]}).page(5, cursor) == (["a1.1", "a2.0"], None)


async def test_a_thread_whose_clock_went_back_keeps_its_order() -> None:
    both = reader({"a": [(9, 1), (1, 1), (2, 1)], "b": [(5, 1)]})

    assert await both.all(2) == ["b1.0", "a1.0", "a2.0", "a3.0"]


async def test_a_branch_begins_with_its_own_rows() -> None:
    both = Reader(Rows({"a": [(1, 1), (2, 1), (3, 1)]}), [thread("a", parent_position=2)])

    assert await both.all(1) == ["a3.0"]


async def test_what_comes_later_is_on_the_next_page() -> None:
    growing = reader({"a": [(1, 1), (2, 1)], "b": []})
    found, cursor = await growing.page(1)
    growing.rows.told["b"] += [(0, 1)]

    assert found == ["a1.0"]
    assert await growing.page(5, cursor) == (["b1.0", "a2.0"], None)


async def test_a_long_silence_costs_a_page_no_more_than_its_bound() -> None:
    silent = reader({"a": [(1, 0)] * (2 * MOST_ROWS) + [(2, 1)], "b": [(9, 1)]})
    found, cursor = await silent.page(10)

    assert (found, cursor is None) == ([], False)
    assert silent.rows.read_so_far <= MOST_ROWS + 200
    assert (await silent.all(10)) == [f"a{2 * MOST_ROWS + 1}.0", "b1.0"]


told = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=12), min_size=1)


@given(told, st.integers(1, 5))
async def test_pages_of_any_size_are_the_whole(rows: Told, limit: int) -> None:
    whole = await reader(rows).all(1_000)

    assert await reader(rows).all(limit) == whole
    assert sorted(whole) == sorted(
        f"{name}{n}.{k}" for name, seen in rows.items() for n, (_, count) in enumerate(seen, 1) for k in range(count)
    )
    for name, seen in rows.items():
        mine = [one for one in whole if one.startswith(name)]
        assert mine == [f"{name}{n}.{k}" for n, (_, count) in enumerate(seen, 1) for k in range(count)]


@pytest.mark.parametrize("cursor", ["o5", "x", "i~", "ia.1", "ia.1.x", "ia.1.-1", "ia.1.1.1", f"ia.{'9' * 16}.0"])
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationError):
        lines_of([thread("a")], cursor)


def test_a_cursor_says_where_each_thread_stands() -> None:
    lines = lines_of([thread("a"), thread("b")], None)
    lines[0].mark = (7, 1)

    assert [line.mark for line in lines_of([thread("a"), thread("b"), thread("c")], cursor_of(lines))] == [(7, 1), (0, 0), (0, 0)]
