"""What is kept of what was said."""

from hashlib import sha256
from typing import Any

import pytest

from domain.errors import HistoryError
from domain.history import Capture, capture_of, strictest
from domain.ids import DEFAULT_TENANT
from domain.json import Json
from infrastructure.history.capturing import MARGIN, MOST_RECORD, MOST_TEXT, captured
from infrastructure.secrets.patterns import Patterns
from infrastructure.secrets.redactor import Redactor

SECRET = "sk-" + "a1B2c3D4" * 6


@pytest.fixture
def redactor() -> Redactor:
    found = Redactor(Patterns({"email": r"[\w.]{1,64}@[\w.]{1,64}"}))
    found.remember("key", SECRET)
    return found


def kept(content: dict[str, Json], redactor: Redactor, capture: Capture = Capture.ON) -> dict[str, Any]:
    return dict(captured(content, capture, redactor.in_history(DEFAULT_TENANT))[0])


def test_all_of_it_is_kept_but_secrets_and_what_fits_a_pattern(redactor: Redactor) -> None:
    content: dict[str, Json] = {"text": f"use {SECRET}", "json": {"to ann@example.com": ["bob@example.com", 1, 2.5, True, None]}}

    assert kept(content, redactor) == {
        "text": "use [secret key]",
        "json": {"to [redacted email]": ["[redacted email]", 1, 2.5, True, None]},
    }


def test_a_number_that_fits_a_pattern_is_taken_out_too() -> None:
    redactor = Redactor(Patterns({"card": r"\b4\d{15}\b"}))

    assert kept({"card": 4111111111111111, "other": 4111}, redactor) == {"card": "[redacted card]", "other": 4111}


def test_nothing_is_kept_where_nothing_may_be(redactor: Redactor) -> None:
    assert kept({"text": "hello"}, redactor, Capture.OFF) == {}


def test_a_hash_stands_in_place_of_each_text_and_each_message(redactor: Redactor) -> None:
    messages = [{"role": "user", "content": "hi"}, {"content": "hi", "role": "user"}]
    found = kept({"text": "hello", "messages": messages, "json": None}, redactor, Capture.HASHED)

    assert found["text"] == "sha256:" + sha256(b"hello").hexdigest()
    assert found["messages"] == ["sha256:" + sha256(b'{"content":"hi","role":"user"}').hexdigest()] * 2
    assert found["json"] is None


def test_nobody_can_try_by_its_hash_whether_a_secret_was_there(redactor: Redactor) -> None:
    found = kept({"text": f"use {SECRET}"}, redactor, Capture.HASHED)

    assert found["text"] == "sha256:" + sha256(b"use [secret key]").hexdigest()


@pytest.mark.parametrize("behind", [0, MARGIN, 2 * MARGIN])
@pytest.mark.parametrize("before", range(MOST_TEXT - len(SECRET) - 1, MOST_TEXT + 2, 5))
def test_a_secret_at_the_cut_leaves_no_part_of_itself(before: int, behind: int, redactor: Redactor) -> None:
    found = kept({"text": " " * before + SECRET + " " * behind}, redactor)["text"]

    assert len(found) <= MOST_TEXT
    assert "sk-" not in found


@pytest.mark.parametrize("secrets", [1, 40, 1_000])
def test_what_was_not_seen_whole_is_not_kept(secrets: int, redactor: Redactor) -> None:
    """Secrets before it were longer than what stands in their place: the end moves up."""
    text = SECRET * secrets
    text += " " * (MOST_TEXT + MARGIN - len(text) - len(SECRET) // 2) + SECRET + "x" * MARGIN

    assert "sk-" not in kept({"text": text}, redactor)["text"]


def test_long_texts_are_cut_and_say_so(redactor: Redactor) -> None:
    content, is_cut = captured({"text": "x" * (MOST_TEXT + 1)}, Capture.ON, redactor)
    assert (content["text"], is_cut) == ("x" * MOST_TEXT, True)
    content, is_cut = captured({"text": "x" * MOST_TEXT}, Capture.ON, redactor)
    assert (content["text"], is_cut) == ("x" * MOST_TEXT, False)


@pytest.mark.parametrize("value", [["x" * 1_000] * 1_000, [1] * 1_000_000, [{"a": 1}] * 1_000_000], ids=["texts", "numbers", "objects"])
def test_a_record_has_its_bound_whatever_it_is_made_of(value: Json, redactor: Redactor) -> None:
    content, is_cut = captured({"output": value}, Capture.ON, redactor)

    assert is_cut
    assert len(repr(content)) < 2 * MOST_RECORD


def test_what_no_database_takes_is_replaced(redactor: Redactor) -> None:
    found = kept({"text": "a\0b", "json": {"é\ud800": "é\0\udfff"}}, redactor)

    assert found == {"text": "a\N{REPLACEMENT CHARACTER}b", "json": {"é?": "é\N{REPLACEMENT CHARACTER}?"}}


def test_a_workflow_says_how_much_of_it_is_kept() -> None:
    assert capture_of({"history": {"capture": "hashed"}}) is Capture.HASHED
    assert capture_of({}) is capture_of({"history": 1}) is capture_of({"history": {}}) is None
    for wrong in ("of", None, 3, ["on"]):
        with pytest.raises(HistoryError, match="on, hashed, off"):
            capture_of({"history": {"capture": wrong}})


def test_the_strictest_word_counts() -> None:
    assert strictest([Capture.HASHED, Capture.ON]) is Capture.HASHED
    assert strictest([Capture.HASHED, Capture.OFF]) is Capture.OFF
