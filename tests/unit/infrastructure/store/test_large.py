"""Large values apart from their rows, and together with them again."""

from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import SerializationError
from infrastructure.store.large import LARGE, Values, apart, has_references, references, together

BIG = "é" * LARGE
leaves = (
    st.none() | st.integers(-99, 99) | st.floats(-9, 9) | st.text(max_size=5) | st.just(BIG) | st.sampled_from(["\x01" + "0" * 64, "\x02"])
)
names = st.sampled_from(["updates", "output", "inputs", "state", "x", "\x01"])
bodies = st.dictionaries(
    names, st.recursive(leaves, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(names, inside, max_size=3))
)


@settings(max_examples=200, deadline=None)
@given(bodies)
def test_what_is_put_together_is_byte_for_byte_what_was_taken_apart(body: Any) -> None:
    written, values = orjson.dumps(body), Values()
    stored = apart(written, values)

    assert has_references(stored) is bool(values)
    assert (together(stored, values) if values else stored) == written
    assert all(sha256(value).hexdigest() == name for name, value in values.items())


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param({"updates": {"doc": BIG, "n": 1}}, [BIG], id="a channel's update"),
        pytest.param({"run": "r", "input": {"a": [BIG], "b": {"c": BIG}}}, [[BIG], {"c": BIG}], id="members of an input"),
        pytest.param({"output": {"doc": BIG, "n": 1}}, [BIG], id="a member of an output"),
        pytest.param({"output": [BIG, 1]}, [[BIG, 1]], id="an output that is no object"),
        pytest.param({"changes": [{"path": "/doc", "old": None, "new": BIG}]}, [BIG], id="what an edit wrote"),
        pytest.param({"inputs": [{"x": BIG}, {"x": 1}]}, [{"x": BIG}], id="the input of a child frame"),
        pytest.param({"values": {"doc": BIG}, "run": {"root": {"state": {"doc": BIG}}}}, [BIG], id="a checkpoint, where it is twice"),
        pytest.param({"metadata": {"x": BIG}}, [], id="what is no value stays in its row"),
        pytest.param({"updates": {str(n): "x" * 1000 for n in range(100)}}, [], id="many small ones stay in their row"),
    ],
)
def test_what_is_kept_apart(body: Any, kept: list[Any]) -> None:
    values = Values()
    stored = apart(orjson.dumps(body), values)

    assert sorted(map(orjson.loads, values.values()), key=repr) == sorted(kept, key=repr)
    assert (references(stored) if kept else set()) == set(values)


def test_what_a_body_shares_with_an_earlier_one_is_taken_out_of_both() -> None:
    values = Values()
    first, second = (apart(orjson.dumps({"updates": {"doc": BIG}, "n": n}), values) for n in (1, 2))

    assert len(values) == 1
    assert references(first) == references(second) == set(values)


def test_a_value_of_64_kib_stays_in_its_row_and_one_byte_more_does_not() -> None:
    values = Values()
    assert not has_references(apart(orjson.dumps({"updates": {"a": "x" * (LARGE - 2)}}), values))
    assert has_references(apart(orjson.dumps({"updates": {"a": "x" * (LARGE - 1)}}), values))


def test_a_value_that_is_gone_is_said_to_be() -> None:
    stored = apart(orjson.dumps({"output": BIG}), Values())

    with pytest.raises(SerializationError, match="is gone"):
        together(stored, {})
