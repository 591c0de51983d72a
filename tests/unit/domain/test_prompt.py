"""Which version of a prompt whoever names none gets."""

from collections import Counter

import pytest

from domain.errors import ValidationError
from domain.prompt import Rollout

SEEDS = [f"thread-{number}" for number in range(2_000)]


def chosen(rollout: Rollout, name: str = "answer") -> list[int]:
    return [rollout.chooses(9, name, seed) for seed in SEEDS]


def test_without_shares_everybody_gets_the_newest() -> None:
    assert set(chosen(Rollout())) == {9}
    assert Rollout().may_choose(9) == (9,)


def test_shares_are_what_they_say_over_many_and_the_same_for_each() -> None:
    rollout = Rollout({3: 90, 4: 10, 5: 0})
    counted = Counter(chosen(rollout))

    assert counted.keys() == {3, 4}
    assert 160 <= counted[4] <= 240
    assert chosen(rollout) == chosen(Rollout({4: 10, 5: 0, 3: 90}))
    assert rollout.may_choose(9) == (3, 4)


def test_a_growing_share_takes_nobody_back() -> None:
    before, after = chosen(Rollout({3: 90, 4: 10})), chosen(Rollout({3: 50, 4: 50}))

    assert all(late == 4 for early, late in zip(before, after, strict=True) if early == 4)


def test_two_prompts_do_not_split_the_same_way() -> None:
    half = Rollout({1: 50, 2: 50})
    agreeing = sum(one == other for one, other in zip(chosen(half, "a"), chosen(half, "b"), strict=True))

    assert 900 <= agreeing <= 1_100


@pytest.mark.parametrize("shares", [{1: 99}, {1: 60, 2: 60}, {1: -10, 2: 110}], ids=["too little", "too much", "no percentage"])
def test_shares_that_are_no_whole_are_refused(shares: dict[int, int]) -> None:
    with pytest.raises(ValidationError):
        Rollout(shares)
