"""What an owner wants neither in logs nor in the history, though it is no secret."""

import logging

import pytest

from domain.errors import ValidationError
from infrastructure.secrets.patterns import Patterns
from infrastructure.secrets.redactor import Redactor
from settings import read_settings

EMAIL = r"[\w.+-]{1,64}@[\w-]{1,63}(\.[a-z]{2,24}){1,4}"
ENDLESS = r"(?:x|xx)+[0-9]"


def test_what_fits_is_taken_out_under_its_name() -> None:
    redact = Patterns({"email": EMAIL, "card": r"\b\d{16}\b"})

    assert redact("ann@example.com paid with 4111111111111111 for six@1.0.0") == "[redacted email] paid with [redacted card] for six@1.0.0"


def test_a_text_that_takes_too_long_is_not_shown_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    redact = Patterns({"endless": ENDLESS}, seconds=0.01)
    text = "the secret is " + "x" * 60

    with caplog.at_level(logging.WARNING):
        assert [redact(text), redact(text)] == [f"[redacted endless: {len(text)} characters took too long to look through]"] * 2
    assert len(caplog.records) == 1


def test_patterns_are_for_logs_and_the_history_and_not_for_what_runs_say() -> None:
    redactor = Redactor(Patterns({"email": EMAIL}))
    redactor.remember("key", "0123456789abcdef")
    text = "ann@example.com 0123456789abcdef"

    assert redactor.in_log(text) == "[redacted email] [secret key]"
    assert redactor.in_log("a@b.cc") == "[redacted email]", "it is shorter than any secret"
    assert redactor(text) == "ann@example.com [secret key]"


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        pytest.param("broken", "(", id="one that is no pattern"),
        pytest.param("empty", "x*", id="one that is found everywhere"),
        pytest.param("Capital", "x", id="a name that is none"),
        pytest.param("long", "x" * 1_001, id="a long one"),
    ],
)
def test_a_pattern_that_cannot_be_used_stops_the_start(name: str, pattern: str) -> None:
    with pytest.raises(ValidationError, match="WEFT_REDACT"):
        read_settings(redact={name: pattern})


def test_a_pattern_is_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_REDACT__email", EMAIL)

    assert read_settings().redact == {"email": EMAIL}
