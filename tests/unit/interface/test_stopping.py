"""Signals: the first asks, the second kills."""

import signal

import pytest

from interface.cli import stopping
from interface.cli.stopping import Stop


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    monkeypatch.setattr(stopping, "kill_oneself", seen.append)
    return seen


def test_the_second_signal_kills(killed: list[int]) -> None:
    stop = Stop()

    stop.receive(signal.SIGTERM)
    assert (stop.asked.is_set(), killed) == (True, [])

    stop.receive(signal.SIGINT)
    assert killed == [signal.SIGINT]


def test_the_first_signal_kills_nobody_who_is_ending_already(killed: list[int]) -> None:
    stop = Stop()
    stop.asked.set()

    stop.receive(signal.SIGTERM)

    assert (stop.signal_number, killed) == (signal.SIGTERM, [])
