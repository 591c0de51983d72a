"""Expressions over the state (CEL) and values that hold them."""

from collections.abc import Mapping
from typing import Final, Protocol, TypeAlias

from domain.json import Json

Scope: TypeAlias = Mapping[str, Json]
"""What an expression may name: some of `state, input, output, item, index, error, errors, run`."""
RECALLED: Final = "weft_recalled"
"""The member of a scope, and the root of paths, that holds the items which expressions recall, by `scope:namespace/key`; null for one that
is not there. Authors write `recall('namespace/key', 'scope')`."""


class Value(Protocol):
    """Compiled once, evaluated often."""

    @property
    def source(self) -> str:
        """What the author wrote, for messages."""

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        """What it reads, root first: `("state", "ticket")`; `("state",)` when it takes the whole."""

    def __call__(self, scope: Scope) -> Json:
        """Evaluate. `ExpressionError` for a missing field, a type error or a limit; its message quotes the expression."""


class Expressions(Protocol):
    def condition(self, source: str) -> Value:
        """Bare CEL. `ExpressionError` when it does not compile or breaks a limit."""

    def value(self, written: Json) -> Value:
        """Any JSON: a string that is exactly `${...}` gives the typed value, `${...}` inside a longer string its text, the rest is
        literal; deep."""
