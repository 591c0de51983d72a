"""What changed between two states, and what those changes do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.change import Change, Operation, applied, difference, same
from domain.errors import ValidationError
from domain.json import Json

names = st.sampled_from(["a", "b", "a/b", "~", "~1", "", "0", "-", "é"])
leaves = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5, "", "x"])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12)
states = st.dictionaries(names, values, max_size=4)


@given(old=states, new=states)
def test_the_difference_of_two_states_leads_from_the_one_to_the_other(old: dict[str, Json], new: dict[str, Json]) -> None:
    assert same(applied(old, difference(old, new)), new)


@given(old=states, new=states)
def test_changes_know_the_value_that_was_there(old: dict[str, Json], new: dict[str, Json]) -> None:
    back = applied(old, ())
    for change in difference(old, new):
        held = _at(back, change.path)
        assert held == [] if change.operation is Operation.CREATE else same(held, [change.old])
        back = applied(back, [change])


@given(state=states)
def test_equal_states_do_not_differ(state: dict[str, Json]) -> None:
    assert difference(state, applied(state, ())) == ()


@given(old=states, new=states)
def test_the_states_themselves_stay_as_they_are(old: dict[str, Json], new: dict[str, Json]) -> None:
    before = repr((old, new))
    applied(old, difference(old, new))
    assert repr((old, new)) == before


def test_only_what_differs_is_told() -> None:
    old: dict[str, Json] = {"n": 1, "gone": None, "notes": ["a", {"text": "b", "by": "ann"}, "c"]}
    new: dict[str, Json] = {"n": 1, "notes": ["a", {"text": "B", "by": "ann"}], "come": [1]}

    assert difference(old, new) == (
        Change(Operation.DELETE, "/gone", None),
        Change(Operation.UPDATE, "/notes/1/text", "b", "B"),
        Change(Operation.DELETE, "/notes/2", "c"),
        Change(Operation.CREATE, "/come", None, [1]),
    )


def test_true_is_not_one_and_one_is_one_point_nought() -> None:
    assert difference({"a": True, "b": 1}, {"a": 1, "b": 1.0}) == (Change(Operation.UPDATE, "/a", True, 1),)


def test_a_change_names_its_channel() -> None:
    assert [Change(Operation.UPDATE, path).channel for path in ("/a", "/a~1b/c", "/~0/0/x")] == ["a", "a/b", "~"]


@pytest.mark.parametrize("path", ["", "/nobody/x", "/n/x", "/notes/3", "/notes/-1", "/notes/x"])
def test_a_path_that_leads_nowhere_is_refused_with_its_place(path: str) -> None:
    with pytest.raises(ValidationError) as refused:
        applied({"n": 1, "notes": [1, 2]}, [Change(Operation.UPDATE, "/n", 1, 2), Change(Operation.UPDATE, path, None, 3)])

    assert refused.value.problems[0].pointer == "/changes/1/path"


def _at(state: Json, path: str) -> list[Json]:
    """The value there, or nothing."""
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(state, dict):
            if name not in state:
                return []
            state = state[name]
        else:
            assert isinstance(state, list)
            if int(name) >= len(state):
                return []
            state = state[int(name)]
    return [state]
