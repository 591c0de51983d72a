"""JSON Schema."""

from collections.abc import Sequence
from typing import Protocol

from domain.errors import Problem
from domain.json import Json


class Schema(Protocol):
    def accepts(self, value: Json) -> bool:
        """Quick yes or no."""

    def problems(self, value: Json) -> Sequence[Problem]:
        """Every violation with its pointer into the value; empty when it is accepted."""


class Schemas(Protocol):
    def compile(self, schema: Json) -> Schema:
        """`ValidationError` when it is no JSON Schema (draft 2020-12). References outside the schema are refused; nothing is fetched."""
