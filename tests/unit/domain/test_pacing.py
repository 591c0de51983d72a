"""Turns at a provider: never too many in any window, in the order of asking."""

import random
from dataclasses import replace

import pytest

from domain.pacing import MARGIN, Lane, Rates

WINDOW = 60 * (1 + MARGIN)


def turns(rates: Rates, *asked: tuple[float, int], lane: Lane = Lane()) -> list[float]:  # noqa: B008 (frozen)
    found = []
    for now, tokens in asked:
        at, lane = lane.turn(rates, tokens, now)
        found.append(at)
    return found


def test_so_many_go_at_once_and_the_next_one_a_window_later() -> None:
    assert turns(Rates(requests=3), *[(100.0, 0)] * 5) == [100, 100, 100, 100 + WINDOW, 100 + WINDOW]


def test_tokens_have_a_limit_of_their_own() -> None:
    assert turns(Rates(tokens=100), (0.0, 60), (1.0, 40), (2.0, 1)) == [0, 1, WINDOW]


def test_who_comes_later_goes_later_though_it_would_fit() -> None:
    assert turns(Rates(tokens=100), (0.0, 90), (1.0, 90), (2.0, 5)) == [0, WINDOW, WINDOW]


def test_a_process_whose_clock_is_behind_goes_behind_the_others() -> None:
    assert turns(Rates(requests=9), (10.0, 0), (5.0, 0)) == [10, 10]


def test_a_call_over_the_limit_goes_alone() -> None:
    assert turns(Rates(tokens=100), (0.0, 10), (1.0, 500), (2.0, 10)) == [0, WINDOW, 2 * WINDOW]


def test_without_limits_nobody_waits() -> None:
    assert turns(Rates(), *[(5.0, 10_000)] * 3) == [5, 5, 5]


@pytest.mark.parametrize("seed", range(5))
def test_no_window_ever_has_more_than_its_limits(seed: int) -> None:
    chance, rates = random.Random(seed), Rates(requests=7, tokens=1_000)
    now, asked = 0.0, []
    for _ in range(300):
        now += chance.choice([0.0, 0.01, 0.3, 5.0, 100.0])
        asked.append((now, chance.randint(1, 600)))
    found = turns(rates, *asked)

    assert found == sorted(found)
    for at in found:
        inside = [tokens for turn, (_, tokens) in zip(found, asked, strict=True) if at - 60 < turn <= at]
        assert rates.holds(len(inside), sum(inside))


def test_a_pause_holds_everybody_and_then_lets_a_few_go_at_a_time() -> None:
    paused = Lane().paused(100.0, 10.0)

    assert turns(Rates(), *[(101.0, 0)] * 12, lane=paused) == [110.0 + number for number in range(12)]


def test_when_nobody_waits_any_more_after_a_pause_all_is_as_before() -> None:
    paused = Lane().paused(100.0, 10.0)

    assert turns(Rates(), (101.0, 0), (130.0, 0), (130.0, 0), lane=paused) == [110, 130, 130]


def test_a_pause_takes_back_turns_to_come_and_says_so() -> None:
    lane = Lane()
    for _ in range(3):
        _, lane = lane.turn(Rates(requests=1), 0, 0.0)
    paused = lane.paused(1.0, 5.0)

    assert (len(lane.slots), len(paused.slots), paused.pauses) == (3, 1, 1)
    assert paused.turn(Rates(requests=1), 0, 1.0)[0] == WINDOW


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    assert Lane().paused(0.0, 30.0).paused(1.0, 2.0).paused_until == 30.0


def test_what_a_call_did_not_use_is_there_for_the_next() -> None:
    at, lane = Lane().turn(Rates(tokens=100), 80, 0.0)

    assert lane.turn(Rates(tokens=100), 50, 1.0)[0] == WINDOW
    assert lane.settled(at, -60).turn(Rates(tokens=100), 50, 1.0)[0] == 1.0
    assert lane.settled(at, -60).in_use(1.0, 60) == (1, 20)


def test_turns_close_together_are_remembered_as_one() -> None:
    lane = Lane()
    for number in range(10_000):
        _, lane = lane.turn(Rates(requests=100_000), 1, number / 1_000)

    assert len(lane.slots) < 30
    assert replace(lane).in_use(10.0, 60) == (10_000, 10_000)
