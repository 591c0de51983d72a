"""What comes of an import: operation by operation, and in the end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from application.openapi.security import Use
from domain.errors import Problem
from domain.json import JsonObject


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one operation (`GET /pets`). `tool`: None when there can be none, for the one reason in `problems`; else `problems` are warnings.
    `secrets`: by their names."""

    operation: str
    tool: JsonObject | None
    problems: Sequence[Problem] = ()
    secrets: Mapping[str, Use] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A tool, in a line."""

    name: str
    effects: str
    operation: str


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to say of an operation."""

    operation: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class Secret:
    """That has to be configured before `tools` tools can be called. `purpose`: what it is."""

    name: str
    purpose: str
    hosts: Sequence[str]
    tools: int


@dataclass(frozen=True, slots=True)
class Imported:
    """In the order of the document. `operations`: how many were wanted."""

    operations: int
    tools: Sequence[Row]
    left_out: Sequence[Told]
    warnings: Sequence[Told]
    secrets: Sequence[Secret]


def gathered(outcomes: Iterable[Outcome]) -> Imported:
    """Keeps no tool: a document of 10,000 operations is worth a gigabyte of them."""
    operations, tools = 0, list[Row]()
    left_out, warnings = list[Told](), list[Told]()
    uses: dict[str, list[Use]] = {}
    for one in outcomes:
        operations += 1
        told = [Told(one.operation, problem) for problem in one.problems]
        if one.tool is None:
            left_out += told
            continue
        warnings += told
        tools.append(Row(str(one.tool["name"]), str(one.tool["effects"]), one.operation))
        for name, use in one.secrets.items():
            uses.setdefault(name, []).append(use)
    return Imported(operations, tools, left_out, warnings, [_secret(name, uses[name]) for name in sorted(uses)])


def _secret(name: str, uses: Sequence[Use]) -> Secret:
    return Secret(name, uses[0].purpose, sorted({host for use in uses for host in use.hosts}), len(uses))
