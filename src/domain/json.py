"""The one type of everything that came from JSON or goes to it."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, Sequence["Json"], Mapping[str, "Json"], None]  # noqa: UP007 - recursive, quoted
JsonObject: TypeAlias = Mapping[str, Json]
