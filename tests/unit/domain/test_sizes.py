"""How large values are, and how large they may be."""

import json
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import StateTooLarge, ValueTooLarge
from domain.json import Json
from domain.sizes import MOST_OF_A_STATE, MOST_OF_A_VALUE, check_state, check_value, size_of, state_too_large, too_large

leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(leaves, lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside), max_leaves=20)


@given(values)
def test_what_is_small_is_never_measured_too_small(value: Json) -> None:
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

    assert size_of(value) >= len(written)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("x" * 100_000, id="a text"),
        pytest.param("é" * 100_000, id="bytes are counted, not characters"),
        pytest.param(["x" * 40] * 5_000, id="a list"),
        pytest.param({"a": {"b": ["x" * 200_000]}}, id="deep inside"),
    ],
)
def test_what_is_large_is_measured_exactly(value: Json) -> None:
    assert size_of(value) == len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def test_an_object_that_is_no_dict_is_measured_as_one() -> None:
    assert size_of(OrderedDict(a="x" * 100_000)) == 100_008


def test_a_value_of_4_mib_is_let_through_and_one_byte_more_is_not() -> None:
    most = "x" * (MOST_OF_A_VALUE - 2)

    assert check_value(most, "/doc") == MOST_OF_A_VALUE
    with pytest.raises(ValueTooLarge, match="the value at /doc has 4,194,305 bytes as JSON; 4,194,304 are allowed"):
        check_value(most + "x", "/doc")


def test_a_state_of_16_mib_is_let_through_and_one_byte_more_is_not() -> None:
    most = {"doc": "x" * (MOST_OF_A_STATE - 10)}

    assert check_state(most, "/doc") == MOST_OF_A_STATE
    with pytest.raises(StateTooLarge, match="at /doc has 16,777,217 bytes as JSON; 16,777,216 are allowed"):
        check_state({"doc": most["doc"] + "x"}, "/doc")


def test_problems_point_at_what_is_too_large() -> None:
    large = "x" * MOST_OF_A_VALUE

    assert [(one.pointer, one.code) for one in too_large([("/a", large), ("/b", 1)])] == [("/a", "value_too_large")]
    assert [one.code for one in state_too_large([large] * 4, "/input")] == ["state_too_large"]
    assert state_too_large([large] * 3, "/input") == []
