"""Names that models can say, and texts of strangers."""

import re

import pytest

from infrastructure.tools.calling import NAME
from infrastructure.tools.mcp.documents import MOST_COMPARED, MOST_DIFFERENCE, Unusable, difference, digest_of
from infrastructure.tools.mcp.naming import name_of
from infrastructure.tools.mcp.texts import MOST, tame


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        pytest.param("git_status", "git__git_status", id="a plain name is kept"),
        pytest.param("get-sum", "git__get-sum", id="with a hyphen too"),
        pytest.param("files/read", r"git__files_read_[0-9a-f]{8}", id="other characters become _ and leave a mark"),
        pytest.param("größe", r"git__gr__e_[0-9a-f]{8}", id="other letters too"),
        pytest.param("x" * 60, r"git__x{50}_[0-9a-f]{8}", id="a long name is cut and marked"),
        pytest.param("", "git__", id="no name at all"),
    ],
)
def test_a_tool_has_a_name_that_every_provider_takes(tool: str, expected: str) -> None:
    name = name_of("git", tool)

    assert re.fullmatch(expected, name)
    assert NAME.fullmatch(name)
    assert name == name_of("git", tool)


def test_two_strange_names_are_never_one() -> None:
    names = {name_of("git", tool) for tool in ("a/b", "a.b", "a b", "a_b", "a\ud800b", "x" * 70, "x" * 71)}

    assert len(names) == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="plain text"),
        pytest.param("a\nb\tc", "a\nb\tc", id="lines and tabs"),
        pytest.param("Größe 🙂", "Größe 🙂", id="letters of the world"),
        pytest.param("\x1b[31mred\x07", "\ufffd[31mred\ufffd", id="escapes of terminals"),
        pytest.param("a\u200bb\u202ec\u2028d", "a\ufffdb\ufffdc\ufffdd", id="what cannot be seen, or turns text around"),
        pytest.param("half \ud800", "half \ufffd", id="half a character"),
        pytest.param("x" * (MOST + 1), "x" * MOST + "...", id="too much"),
    ],
)
def test_what_a_stranger_wrote_is_made_fit_to_be_shown(text: str, expected: str) -> None:
    assert tame(text) == expected


def test_a_digest_does_not_depend_on_the_order_of_members() -> None:
    assert digest_of({"name": "a", "inputSchema": {"x": 1, "y": [1, 2]}}) == digest_of({"inputSchema": {"y": [1, 2], "x": 1}, "name": "a"})
    assert digest_of({"name": "a", "inputSchema": {"y": [2, 1]}}) != digest_of({"name": "a", "inputSchema": {"y": [1, 2]}})


@pytest.mark.parametrize("value", [2**60, "half \ud800"], ids=["a whole number that others would round", "half a character"])
def test_what_has_no_canonical_form_has_no_digest(value: object) -> None:
    with pytest.raises(Unusable):
        digest_of({"name": "a", "inputSchema": {"default": value}})  # type: ignore[dict-item]


def test_a_difference_spells_out_what_cannot_be_seen_and_is_short() -> None:
    old = {"name": "a", "description": "Adds.\nTwo numbers."}
    new = {"name": "a", "description": "Adds.\nTwo numbers.\u200b<hidden>"}

    assert difference(old, new) == ('-description: "Two numbers."', '+description: "Two numbers.\\u200b<hidden>"')
    long = difference({"name": "a"}, {"name": "a", "description": "\n".join(map(str, range(100)))})
    assert (len(long), long[-1]) == (MOST_DIFFERENCE + 1, "... and 80 more lines")


def test_a_long_description_that_is_altogether_different_is_not_compared_line_by_line() -> None:
    old, new = ({"description": "\n".join(f"{word} {at}" for at in range(MOST_COMPARED + 1))} for word in ("read", "mail"))

    shown = difference(old, new)

    assert shown[:2] == ("altogether different", '+description: "mail 0"')
    assert shown[-1].endswith("more lines")


def test_a_word_that_changed_in_a_long_description_is_what_is_shown() -> None:
    lines = [f"line {number}" for number in range(5_000)]

    shown = difference({"description": "\n".join(lines)}, {"description": "\n".join([*lines[:2_500], "mail it", *lines[2_501:]])})

    assert shown == ('-description: "line 2500"', '+description: "mail it"')
