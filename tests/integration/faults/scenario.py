"""The list of scenarios. Each is a function over a stage; it raises when a promise was broken."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.faults.stage import Stage

Play = Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`fault` and `must` stand in the matrix. `redis`: it wants one. `disk_megabytes`: its
    database wants a disk of its own, to be filled."""

    name: str
    fault: str
    must: str
    play: Play
    redis: bool = False
    disk_megabytes: int = 0


SCENARIOS: dict[str, Scenario] = {}
"""By name, in the order of the matrix; filled by importing the modules that hold them."""


def scenario(fault: str, must: str, *, redis: bool = False, disk_megabytes: int = 0) -> Callable[[Play], Play]:
    def add(play: Play) -> Play:
        SCENARIOS[play.__name__] = Scenario(play.__name__, fault, must, play, redis, disk_megabytes)
        return play

    return add
