"""How a server says when to come again."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from infrastructure.retry_after import retry_after
from tests.unit.infrastructure.tool_calls import NOON


@pytest.mark.parametrize(
    ("said_so", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("0.5", 0.5),
        ("Wed, 21 Oct 2015 07:28:00", 0.0),
        (format_datetime(NOON + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOON - timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("²", None),
        ("9" * 400, None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +999999999", None),
    ],
)
def test_when_to_come_again_is_said_in_two_ways(said_so: str, seconds: float | None) -> None:
    assert retry_after(said_so, NOON) == seconds
