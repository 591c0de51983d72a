"""How updates meet what a channel holds."""

import json
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import NodeExecutionError
from domain.graph.definition import Merge
from domain.json import Json
from domain.run.merge import ABSENT, merged

scalars = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=5) | st.floats(-1e6, 1e6)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4), max_leaves=8
)
objects = st.dictionaries(st.text(max_size=3), values, max_size=4)
lists = st.lists(values, max_size=5)
messages = st.lists(st.fixed_dictionaries({"text": st.text(max_size=3)}, optional={"id": st.sampled_from(["a", "b", None])}), max_size=5)


@pytest.mark.parametrize(
    ("rule", "old", "update", "expected"),
    [
        pytest.param(Merge.REPLACE, [1], {"a": 1}, {"a": 1}, id="replace takes anything"),
        pytest.param(Merge.APPEND, ABSENT, 1, [1], id="append to nothing makes a list"),
        pytest.param(Merge.APPEND, [1], [2, 3], [1, 2, 3], id="append adds a list item by item"),
        pytest.param(Merge.APPEND, [1], "ab", [1, "ab"], id="append adds a text as one item"),
        pytest.param(Merge.APPEND, [1], {"a": 1}, [1, {"a": 1}], id="append adds an object as one item"),
        pytest.param(Merge.APPEND, "x", 1, ["x", 1], id="append keeps what was no list as its first item"),
        pytest.param(Merge.APPEND, None, 1, [1], id="null holds no item"),
        pytest.param(Merge.APPEND, [1], None, [1, None], id="null is an item"),
        pytest.param(Merge.MERGE, ABSENT, {"a": 1}, {"a": 1}, id="merge into nothing"),
        pytest.param(Merge.MERGE, {"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}, id="merge goes deep"),
        pytest.param(Merge.MERGE, {"a": [1]}, {"a": [2]}, {"a": [2]}, id="merge replaces lists"),
        pytest.param(Merge.MERGE, {"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="merge replaces a value by an object"),
        pytest.param(Merge.ADD, ABSENT, 2, 2, id="add begins with what comes"),
        pytest.param(Merge.ADD, 1, 2.5, 3.5, id="add sums numbers of both kinds"),
        pytest.param(Merge.MAX, 3, 2, 3, id="max keeps the larger"),
        pytest.param(Merge.MIN, 3, 2, 2, id="min keeps the smaller"),
        pytest.param(Merge.MIN, None, 2, 2, id="null is no number yet"),
        pytest.param(Merge.UNION, [1, 2], [2, 3, 3], [1, 2, 3], id="union adds what is not there, once"),
        pytest.param(Merge.UNION, [1], True, [1, True], id="union tells one from true"),
        pytest.param(Merge.UNION, [[1], {"a": 0}], [[True], {"a": False}], [[1], {"a": 0}, [True], {"a": False}], id="also deep inside"),
        pytest.param(Merge.UNION, [1], [1.0], [1], id="union takes numbers as JSON does"),
        pytest.param(Merge.UNION, [{"a": 1, "b": 2}], {"b": 2, "a": 1}, [{"a": 1, "b": 2}], id="the order of members says nothing"),
        pytest.param(Merge.MESSAGES, [{"id": 1, "t": "a"}], {"id": 1, "t": "b"}, [{"id": 1, "t": "b"}], id="a known id is replaced"),
        pytest.param(Merge.MESSAGES, [{"t": "a"}], [{"t": "a"}], [{"t": "a"}, {"t": "a"}], id="messages without id are appended"),
        pytest.param(Merge.MESSAGES, [{"id": None}], {"t": "a"}, [{"id": None}, {"t": "a"}], id="an id of null is none"),
        pytest.param(Merge.MESSAGES, [], [{"id": 1, "t": "a"}, {"id": 1, "t": "b"}], [{"id": 1, "t": "b"}], id="also within one update"),
    ],
)
def test_an_update_meets_the_old_value(rule: Merge, old: Json | object, update: Json, expected: Json) -> None:
    result = merged(rule, old, update)

    assert json.dumps(result) == json.dumps(expected)


@pytest.mark.parametrize(
    ("rule", "old", "update", "says"),
    [
        pytest.param(Merge.MERGE, ABSENT, [1], "merge rule merge cannot take list", id="merge wants an object"),
        pytest.param(Merge.MERGE, {}, None, "merge rule merge cannot take null onto dict", id="null is no object"),
        pytest.param(Merge.ADD, 1, "2", "merge rule add cannot take str onto int", id="add wants a number"),
        pytest.param(Merge.ADD, 1, True, "merge rule add cannot take bool onto int", id="true is no number"),
        pytest.param(Merge.ADD, "x", 1, "merge rule add cannot take int onto str", id="add wants a number to add to"),
        pytest.param(Merge.ADD, 2**63 - 1, 1, "merge rule add cannot take int onto int", id="no integer beyond 64 bits"),
        pytest.param(Merge.ADD, 1e308, 1e308, "merge rule add cannot take float onto float", id="no infinite sum"),
        pytest.param(Merge.ADD, 10**400, 0.5, "merge rule add cannot take float onto int", id="no sum that cannot be computed"),
        pytest.param(Merge.MAX, 1, [2], "merge rule max cannot take list onto int", id="max wants a number"),
        pytest.param(Merge.MESSAGES, [], "hi", "merge rule messages cannot take str onto list", id="messages are objects"),
        pytest.param(Merge.MESSAGES, [], {"id": [1]}, "merge rule messages cannot take dict onto list", id="an id is no list"),
    ],
)
def test_what_a_rule_cannot_take_is_a_bad_update(rule: Merge, old: Json | object, update: Json, says: str) -> None:
    with pytest.raises(NodeExecutionError) as raised:
        merged(rule, old, update)

    assert (raised.value.code, raised.value.message) == ("bad_update", says)


@given(rule=st.sampled_from(Merge), old=values, update=values)
def test_a_merge_changes_neither_operand_and_fails_only_by_type(rule: Merge, old: Json, update: Json) -> None:
    before = deepcopy((old, update))

    with suppress(NodeExecutionError):
        _scribble(merged(rule, old, update), unless_it_is=(old, update))

    assert (old, update) == before


def _scribble(result: Json, unless_it_is: tuple[Json, ...]) -> None:
    """A list that a merge made belongs to the caller: adding to it must not show in what went in."""
    if isinstance(result, list) and not any(result is one for one in unless_it_is):
        result.append("scribbled")


@given(old=lists, update=lists)
def test_append_adds_as_many_as_come(old: list[Json], update: list[Json]) -> None:
    result = merged(Merge.APPEND, old, update)

    assert result == [*old, *update]


@given(old=objects, update=objects)
def test_a_deep_merge_done_twice_is_done_once(old: dict[str, Json], update: dict[str, Json]) -> None:
    once = merged(Merge.MERGE, old, update)

    assert merged(Merge.MERGE, once, update) == once


@given(old=objects, update=objects)
def test_a_deep_merge_loses_no_member(old: dict[str, Json], update: dict[str, Json]) -> None:
    result = merged(Merge.MERGE, old, update)

    assert isinstance(result, Mapping)
    assert result.keys() == old.keys() | update.keys()


@given(old=lists, update=lists)
def test_union_holds_all_and_each_new_one_once(old: list[Json], update: list[Json]) -> None:
    result = merged(Merge.UNION, old, update)

    assert isinstance(result, list)
    assert result[: len(old)] == old
    assert {_canonical(item) for item in result} == {_canonical(item) for item in [*old, *update]}
    added = [_canonical(item) for item in result[len(old) :]]
    assert len(set(added)) == len(added)
    assert not set(added) & {_canonical(item) for item in old}


def _canonical(value: Json) -> str:
    """JSON with sorted members, numbers as JSON compares them."""
    match value:
        case bool():
            return json.dumps(value)
        case int() | float():
            return repr(float(value) + 0.0)  # -0.0 is 0.0
        case Mapping():
            return "{" + ",".join(f"{json.dumps(name)}:{_canonical(member)}" for name, member in sorted(value.items())) + "}"
        case list():
            return "[" + ",".join(map(_canonical, value)) + "]"
    return json.dumps(value)


@given(old=messages, update=messages)
def test_messages_keep_their_order_and_one_of_each_new_id(old: list[Json], update: list[Json]) -> None:
    start = merged(Merge.MESSAGES, [], old)
    result = merged(Merge.MESSAGES, start, update)

    assert isinstance(start, list)
    assert isinstance(result, list)
    assert [_id(one) for one in result[: len(start)]] == [_id(one) for one in start]
    ids = [_id(one) for one in result if _id(one) is not None]
    assert len(set(ids)) == len(ids)
    assert [one for one in result if _id(one) is None] == [one for one in [*old, *update] if _id(one) is None]
    for name in ids:
        assert [one for one in result if _id(one) == name] == [[one for one in [*old, *update] if _id(one) == name][-1]]


def _id(message: Json) -> Json:
    assert isinstance(message, Mapping)
    return message.get("id")
