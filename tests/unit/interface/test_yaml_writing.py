"""What is written as YAML is read back as it was."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import JsonValue

from interface.yaml import load_document
from interface.yaml_writing import dump_document

words = st.sampled_from(["a", " b", "\n", "\n\n", ": ", "- ", "#", "\t", "'", '"', "|", "é", "\x85"])
texts = st.lists(words, max_size=8).map("".join) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
documents = st.dictionaries(texts, st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=15))


@given(documents)
@example({"": "\x1b\n0\n"})
def test_any_document_comes_back(document: dict[str, JsonValue]) -> None:
    assert load_document(dump_document(document).encode(), "application/yaml").document == document


@pytest.mark.parametrize(
    "word",
    [
        "1e3",
        "0o17",
        "0x1f",
        "~",
        "null",
        "yes",
        "2024-01-01",
        "<<",
        "=",
        "- a",
        "a: b",
        "# no",
        " x ",
        "%TAG",
        "---",
        "a\nb\n",
        "a\nb",
        "a\n\n",
        "\na",
    ],
)
def test_text_that_looks_like_something_else_stays_text(word: str) -> None:
    document: dict[str, JsonValue] = {"a": word, word: [word, [word], {"b": word}]}

    assert load_document(dump_document(document).encode(), "yaml").document == document


def test_members_keep_their_order() -> None:
    assert dump_document({"weft": 1, "name": "a", "edges": [{"from": "b"}]}) == "weft: 1\nname: a\nedges:\n  - from: b\n"
