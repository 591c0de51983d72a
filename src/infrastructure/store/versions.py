"""Which of two semantic versions is higher (semver.org, section 11). Build metadata does not count."""

from functools import lru_cache
from typing import TypeAlias

Rank: TypeAlias = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


@lru_cache(maxsize=4096)
def rank(version: str) -> Rank:
    """A key that sorts versions upwards: `1.0.0-rc.2 < 1.0.0-rc.10 < 1.0.0 < 1.0.1`."""
    numbers, _, before = version.partition("+")[0].partition("-")
    return (
        tuple(int(number) for number in numbers.split(".")),
        not before,
        tuple(_part(part) for part in before.split(".")) if before else (),
    )


def _part(part: str) -> tuple[bool, int, str]:
    return (False, int(part), "") if part.isdigit() else (True, 0, part)
