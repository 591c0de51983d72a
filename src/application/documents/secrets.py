"""Secrets that a graph names. Nothing would ever put one there; whoever writes it is told where it belongs."""

import re
from collections.abc import Iterator
from typing import Final

from application.documents.reading import pointer_to
from domain.errors import Problem
from domain.json import Json
from domain.secret import NOT_IN_GRAPHS

_NAMED: Final = re.compile(r"(\$\{|\{\{-?)\s*secret\b")
_TALK: Final = frozenset({"description", "metadata", "tags"})
"""Members that are read by people only."""


def secrets_in(written: Json, at: str = "") -> Iterator[Problem]:
    """Of a document whose nesting is bounded: every text that names one, also where texts are taken as they are."""
    if isinstance(written, str):
        if "secret" in written and _NAMED.search(written):
            yield Problem(at, "secret_in_graph", NOT_IN_GRAPHS)
    elif isinstance(written, dict):
        for name, inner in written.items():
            if name not in _TALK:
                yield from secrets_in(inner, pointer_to(at, name))
    elif isinstance(written, list):
        for number, inner in enumerate(written):
            yield from secrets_in(inner, pointer_to(at, number))
