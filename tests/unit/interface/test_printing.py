"""Tables for people."""

import sys

import pytest

from interface.cli.printing import print_table


def test_where_there_is_little_room_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    print_table(("RUN", "MODEL"), [("x" * 50, "y" * 30)])

    shown = capsys.readouterr().out
    assert (shown.count("x"), shown.count("y")) == (50, 30)
