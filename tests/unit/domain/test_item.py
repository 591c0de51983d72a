"""Names of what is remembered, and what conditions make of odd values."""

import pytest

from domain.errors import ValidationError
from domain.item import MOST_NAMES, NAME_CHARACTERS, Comparison, Condition, must_be_namespace, words_in
from domain.json import Json


@pytest.mark.parametrize("names", [("a",), ("é ☃", "b"), ("n",) * MOST_NAMES, ("x" * NAME_CHARACTERS,)])
def test_a_namespace_within_the_limits_is_taken_as_it_is(names: tuple[str, ...]) -> None:
    assert must_be_namespace(list(names)) == names


@pytest.mark.parametrize("names", [(), ("n",) * (MOST_NAMES + 1), ("",), ("a/b",), ("x" * (NAME_CHARACTERS + 1),), ("a\0",), ("a\n",)])
def test_one_beyond_them_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        must_be_namespace(names)


@pytest.mark.parametrize("value", ["text", None, [1], {"m": "9"}, {"m": None}, {"m": True}, {"m": {"k": 1}}, {}])
def test_what_has_no_order_is_not_more_than_a_number(value: Json) -> None:
    assert not Condition(("m",), Comparison.MORE, 0).holds(value)


def test_names_of_members_are_not_among_the_words() -> None:
    assert words_in({"Name": ["Ann", {"Pet": "REX"}], "age": 3}) == "ann\nrex"
