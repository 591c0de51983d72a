"""The chain of the audit trail: whichever record is touched, it is found there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audit import START, Break, Checked, Deed, Head, KeptRecord, ends_at, verify
from domain.ids import TenantId
from infrastructure.store.audit_rows import chained, entry_of, kept_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ACME = TenantId("acme")
NOTHING = (None, None, None)


def a_deed(number: int, **told: object) -> Deed:
    return replace(Deed(ACME, NOON + timedelta(seconds=number), "ann", "tool.call", f"tool-{number}", "allow"), **told)  # type: ignore[arg-type]


def a_chain(length: int) -> list[list[object]]:
    """Rows, as a store holds them."""
    rows, _ = chained([entry_of(a_deed(number)) for number in range(1, length + 1)], {ACME: NOTHING})
    return [list(row) for row in rows]


def read(rows: list[list[object]]) -> list[KeptRecord]:
    return [kept_of(row) for row in rows]


def test_a_chain_that_nobody_touched_is_whole_from_any_record_on() -> None:
    records = read(a_chain(5))

    assert verify([]) == Checked(START)
    assert verify(records) == Checked(Head(5, records[4].record.digest))
    assert verify(records[2:], Head(2, records[1].record.digest)) == verify(records)


def other(value: object) -> st.SearchStrategy[object]:
    """Whatever else could stand in a column that holds this."""
    found: st.SearchStrategy[object]
    match value:
        case str():
            found = st.text(max_size=70)
        case bytes():
            others = [b"0", b"{}", b"[]", value + b" ", value[:-1], value.replace(b"allow", b"deny"), value.replace(b"{}", b"[]")]
            found = st.binary(max_size=70) | st.sampled_from(others)
        case _:
            found = st.floats(allow_nan=False, allow_infinity=False)
    return found.filter(lambda chosen: chosen != value)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_edit_of_any_column_of_any_record_is_found_at_that_record(data: st.DataObject) -> None:
    rows = a_chain(data.draw(st.integers(1, 6), "length"))
    place = data.draw(st.integers(0, len(rows) - 1), "row")
    column = data.draw(st.sampled_from([0, 2, 3, 4, 5, 6, 7, 8]), "column")
    rows[place][column] = data.draw(other(rows[place][column]), "value")

    found = verify(read(rows))
    assert found.broken is not None
    assert found.broken.number == place + 1
    assert found.head.number == place


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_what_is_removed_swapped_or_put_in_between_is_found_where_it_was(data: st.DataObject) -> None:
    rows = a_chain(6)
    place = data.draw(st.integers(0, 4), "row")
    removed = rows[:place] + rows[place + 1 :]
    found = verify(read(removed)).broken
    assert found == Break(
        place + 1, NOON + timedelta(seconds=place + 2), f"it is missing: the next one there is has the number {place + 2}"
    )

    upto = data.draw(st.integers(place + 1, 5), "other row")
    swapped = a_chain(6)
    swapped[place][2:], swapped[upto][2:] = swapped[upto][2:], swapped[place][2:]
    there = verify(read(swapped)).broken
    assert there is not None
    assert there.number == place + 1

    twice = verify(read([*rows[: place + 1], rows[place], *rows[place + 1 :]])).broken
    assert twice is not None
    assert twice.number == place + 2


def test_a_record_that_was_edited_with_its_digest_shows_at_the_next() -> None:
    rows = a_chain(3)
    forged, _ = chained([entry_of(a_deed(2, who="eve"))], {ACME: (1, rows[0][8], 1)})
    rows[1] = list(forged[0])

    found = verify(read(rows)).broken
    assert found is not None
    assert found.number == 3


@pytest.mark.parametrize(
    ("head", "number"),
    [
        pytest.param(lambda last: Head(4, last.digest), 4, id="records at the end are gone"),
        pytest.param(lambda last: Head(3, "f" * 64), 3, id="the head has another digest"),
        pytest.param(lambda last: Head(2, last.digest), 2, id="the head stands before the end"),
    ],
)
def test_the_last_record_must_be_the_one_that_the_head_names(head: Callable[[Head], Head], number: int) -> None:
    checked = verify(read(a_chain(3)))

    assert ends_at(checked, checked.head) == checked
    broken = ends_at(checked, head(checked.head)).broken
    assert broken is not None
    assert broken.number == number


_text = st.text(st.characters(codec="utf-8"), max_size=20)
_numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15)
_json = st.recursive(
    st.none() | st.booleans() | _numbers | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_text, _json, max_size=4), _text.filter(lambda name: "\0" not in name))
def test_a_body_is_the_canonical_json_of_its_deed(about: dict[str, Any], who: str) -> None:
    deed = a_deed(1, who=who, about=about, rule="a\0b \\u0000")
    told = {name: getattr(deed, name) for name in ("tenant", "who", "action", "resource", "effect", "rule", "source")}
    rows, _ = chained([entry_of(deed)], {ACME: NOTHING})
    kept = kept_of(rows[0])

    assert kept.body == rfc8785.dumps({**told, "at": int(deed.at.timestamp()) * 1_000_000, "about": about})
    assert (kept.record.deed, kept.is_alike) == (deed, True)


def test_times_are_exact_to_the_microsecond() -> None:
    for number in range(1_000):
        at = NOON + timedelta(microseconds=number * 7_919)
        rows, _ = chained([entry_of(a_deed(1, at=at))], {ACME: NOTHING})
        assert (kept_of(rows[0]).record.deed.at, kept_of(rows[0]).is_alike) == (at, True)
