"""Wanted changes become changes that know what was there."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.change import Change, Operation, Values, applied, difference
from domain.editing import resolved
from domain.errors import ValidationError

CREATE, UPDATE, DELETE = Operation.CREATE, Operation.UPDATE, Operation.DELETE
HELD: Values = {"name": "ann", "notes": ["a", {"text": "b"}], "a/b": {"~": 1}, "none": None}


def wanted(*said: tuple[Any, ...]) -> list[Change]:
    return [Change(operation, path, None, *value) for operation, path, *value in said]


@pytest.mark.parametrize(
    ("said", "known"),
    [
        pytest.param((UPDATE, "/name", "bob"), Change(UPDATE, "/name", "ann", "bob"), id="a channel's value"),
        pytest.param((CREATE, "/x", 1), Change(CREATE, "/x", None, 1), id="a new channel"),
        pytest.param((DELETE, "/none"), Change(DELETE, "/none", None, None), id="a channel that holds null is there"),
        pytest.param((UPDATE, "/notes/1/text", "c"), Change(UPDATE, "/notes/1/text", "b", "c"), id="a member of an item"),
        pytest.param((CREATE, "/notes/-", "z"), Change(CREATE, "/notes/2", None, "z"), id="behind the last item"),
        pytest.param((CREATE, "/notes/2", "z"), Change(CREATE, "/notes/2", None, "z"), id="behind the last item, by its number"),
        pytest.param((DELETE, "/notes/0"), Change(DELETE, "/notes/0", "a", None), id="an item"),
        pytest.param((UPDATE, "/a~1b/~0", 2), Change(UPDATE, "/a~1b/~0", 1, 2), id="names with slashes and tildes"),
    ],
)
def test_a_change_learns_what_was_there(said: tuple[Any, ...], known: Change) -> None:
    assert resolved(HELD, wanted(said)) == (known,)


def test_each_change_sees_what_those_before_it_did() -> None:
    found = resolved(
        {}, wanted((CREATE, "/x", {}), (CREATE, "/x/y", [1]), (CREATE, "/x/y/-", 2), (UPDATE, "/x/y/1", 3), (DELETE, "/x/y/0"))
    )

    assert [change.old for change in found] == [None, None, None, 2, 1]
    assert applied({}, found) == {"x": {"y": [3]}}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        pytest.param((CREATE, "/name", 1), "already_there", id="a create of what is there"),
        pytest.param((CREATE, "/notes/0", 1), "already_there", id="a create in the middle of a list"),
        pytest.param((CREATE, "/notes/9", 1), "no_such_path", id="a create beyond the end of a list"),
        pytest.param((UPDATE, "/nobody", 1), "no_such_path", id="an update of what is not there"),
        pytest.param((DELETE, "/notes/2"), "no_such_path", id="a delete of what is not there"),
        pytest.param((UPDATE, "/name/0", "x"), "no_such_path", id="a path into a text"),
        pytest.param((CREATE, "/none/x", 1), "no_such_path", id="a path into null"),
        pytest.param((UPDATE, "/notes/x/text", 1), "no_such_path", id="an item without a number"),
        pytest.param((UPDATE, "name", 1), "bad_path", id="a path without its slash"),
        pytest.param((CREATE, "/", 1), "bad_path", id="a channel without a name"),
    ],
)
def test_what_cannot_be_is_named_with_its_number(said: tuple[Any, ...], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        resolved(HELD, wanted((CREATE, "/fine", 1), said))

    (problem,) = refused.value.problems
    assert (problem.pointer, problem.code) == ("/changes/1/path", code)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=2), inner, max_size=3),
    max_leaves=8,
)
states = st.dictionaries(st.text(min_size=1, max_size=2), values, max_size=4)


@given(states, states)
def test_a_difference_is_what_one_would_ask_for(old: dict[str, Any], new: dict[str, Any]) -> None:
    changes = difference(old, new)

    assert resolved(old, changes) == changes
