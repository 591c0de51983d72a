"""What a node may make of several calls: each is told beforehand, made once, and kept by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from domain.json import Json, JsonObject
from domain.tool import Effects
from domain.usage import Usage


def _as_it_is(output: Json) -> Json:
    return output


@dataclass(frozen=True, slots=True)
class Effect:
    """One of several calls that a node makes. `name`: the model or tool. `digest`: a hash of all that is asked; when the node is run again
    it must ask the same in the same order. `reserve`: what the call uses at most, of one that is charged for; it is in the ledger before
    the call. `kind`: `model`, `tool`, or whatever the node calls it. `effects`: of a tool that touches the world; one that is `once` is
    announced by a durable row, `arguments` with it."""

    kind: str
    name: str
    digest: str
    reserve: Usage | None = None
    effects: Effects = Effects.NONE
    arguments: JsonObject = field(default_factory=dict)
    told: Callable[[Json], Json] = _as_it_is
    """Puts what a tool gave back as `make` would have: a person who looks what came of a lost call knows only that."""
    key: Callable[[int], str] | None = None
    """The idempotency key that the n-th call is made under, where it is another than the context's."""
    instead: "Callable[[str], Cheaper] | None" = None
    """The same call of another model, for want of money. The journal keeps it under the same digest, with the model's name."""


@dataclass(frozen=True, slots=True)
class Performed:
    """What a call came to: plain JSON, as the journal keeps it, and what it used."""

    output: Json
    usage: Usage | None = None


Make: TypeAlias = Callable[[int], Awaitable[Performed]]
"""Makes the call, whose number it is told. What it raises fails the attempt and is not kept: what the node can go on with is a `Performed`.
Tokens of a call that failed are in the error's `usage`."""


@dataclass(frozen=True, slots=True)
class Cheaper:
    """A call of another model than the node's own. `reserve` as in `Effect`."""

    reserve: Usage | None
    make: Make


class Perform(Protocol):
    def __call__(self, effect: Effect, make: Make) -> Awaitable[Json]:
        """The call's output: from the journal when it was made before, by whichever worker; else it is made, and journaled. The calls of an
        activation are numbered from 1 on, in the order in which this is called (not awaited). They may be made side by side; those that may
        happen only once wait for each other. It is all of what a node calls, or nothing: a node that makes one call outside and others
        through this asks something else when it is run again.

        Raises `Nondeterministic` when the journal has another call under that number, what `make` raises (with `is_answer` true where
        somebody decided that a lost call failed), and, without being an `Exception`, what ends the node for now: nothing is to be caught
        then. An error with an attribute `anew` that is true says that the outcomes so far are no use to a next attempt."""


async def performs_nothing(effect: Effect, make: Make) -> Json:
    """For a context that stands outside a run."""
    raise AssertionError(f"nobody keeps what {effect.name} does")
