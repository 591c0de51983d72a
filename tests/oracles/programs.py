"""Structured programs, grown at random, and the decisions they take."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

LONGEST_STREAK = 4  # a loop's node decides to leave at least at every fourth of its visits in a frame
MOST_VISITS = 40  # and always beyond this many


@dataclass(frozen=True)
class Task:
    node: str
    side: tuple[str, ...] = ()  # a chain that hangs off this task and never comes back
    side_is_sure: bool = True  # else the task decides about it


@dataclass(frozen=True)
class Choice:
    gate: str
    branches: tuple[Program | Dead, ...]  # exactly one runs; one at least is a Program
    is_dynamic: bool


@dataclass(frozen=True)
class Parallel:
    gate: str
    branches: tuple[Program, ...]


@dataclass(frozen=True)
class Several:
    gate: str
    branches: tuple[Program, ...]  # one or more of them run
    is_dynamic: bool


@dataclass(frozen=True)
class While:
    gate: str
    body: Program


@dataclass(frozen=True)
class Repeat:
    body: Program
    test: str


@dataclass(frozen=True)
class Map:
    node: str
    body: Program


@dataclass(frozen=True)
class Dead:
    """A branch that runs its tasks and ends there."""

    chain: tuple[str, ...]


Part = Task | Choice | Parallel | Several | While | Repeat | Map
Program = tuple[Part, ...]


@dataclass(frozen=True)
class Chance:
    """The decisions of a case, by the path of the activation that takes them."""

    salt: int

    def number(self, path: str) -> int:
        return int.from_bytes(blake2b(f"{self.salt}:{path}".encode(), digest_size=6).digest(), "big")

    def one_of(self, path: str, count: int) -> int:
        return self.number(path) % count

    def some_of(self, path: str, count: int) -> list[int]:
        """At least one of `count` branches."""
        mask = 1 + self.number(path) % (2**count - 1)
        return [index for index in range(count) if mask >> index & 1]

    def again(self, path: str) -> bool:
        visit = int(path.rpartition("#")[2])
        return visit <= MOST_VISITS and visit % LONGEST_STREAK != 0 and self.number(path) % 100 < 65

    def items(self, path: str) -> int:
        return (0, 1, 2, 2, 3)[self.number(path) % 5]


@dataclass
class Growth:
    """Grows a program of about `size` nodes."""

    rng: random.Random
    size: int
    made: int = 0

    def name(self, letter: str) -> str:
        self.made += 1
        return f"{letter}{self.made}"

    def chain(self) -> tuple[str, ...]:
        return tuple(self.name("s") for _ in range(self.rng.randint(1, 2)))

    def whole(self, depth: int) -> Program:
        parts: list[Part] = []
        while self.made < self.size:
            parts.append(self.part(depth))
        return tuple(parts)

    def program(self, depth: int, shortest: int = 0) -> Program:
        parts: list[Part] = []
        for _ in range(self.rng.randint(shortest, 3)):
            if self.made < self.size or len(parts) < shortest:
                parts.append(self.part(depth))
        return tuple(parts)

    def part(self, depth: int) -> Part:
        if depth == 0 or self.made >= self.size or self.rng.random() < 0.3:
            return self.task()
        forms: list[Callable[[int], Part]] = [self.choice, self.several, self.loop, self.map]
        forms += [self.parallel, self.repeat, self.parallel, self.repeat]
        return self.rng.choice(forms)(depth - 1)

    def task(self) -> Task:
        node = self.name("t")
        side = self.chain() if self.rng.random() < 0.2 else ()
        return Task(node, side, self.rng.random() < 0.5)

    def branches(self, depth: int) -> tuple[Program, ...]:
        """Two to four branches, of which some may be empty, though not all."""
        return (self.program(depth, 1), *(self.program(depth) for _ in range(self.rng.choice([1, 1, 2, 3]))))

    def choice(self, depth: int) -> Choice:
        gate = self.name("x")
        branches: list[Program | Dead] = [*self.branches(depth)]
        if self.rng.random() < 0.15:
            branches.append(Dead(self.chain()))
        self.rng.shuffle(branches)
        return Choice(gate, tuple(branches), self.rng.random() < 0.3)

    def parallel(self, depth: int) -> Parallel:
        return Parallel(self.name("p"), self.branches(depth))

    def several(self, depth: int) -> Several:
        return Several(self.name("o"), self.branches(depth), self.rng.random() < 0.3)

    def loop(self, depth: int) -> While:
        return While(self.name("w"), self.program(depth))

    def repeat(self, depth: int) -> Repeat:
        return Repeat(self.program(depth), self.name("r"))

    def map(self, depth: int) -> Map:
        return Map(self.name("m"), self.program(depth, 1))
