"""Prompts as documents: written once, numbered by the service, never changed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.errors import Problem, ValidationError
from domain.ids import ContentHash, TenantId
from domain.json import Json, JsonObject

WHOLE: Final = 100
"""Percent."""


@dataclass(frozen=True, slots=True)
class PromptVariable:
    """`schema`: JSON Schema of its value. `is_required` False without a `default`: where none is given, a template finds it undefined."""

    name: str
    schema: JsonObject
    description: str = ""
    default: Json = None
    has_default: bool = False
    is_required: bool = True

    @property
    def must_be_given(self) -> bool:
        return self.is_required and not self.has_default


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """`content`: a template."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """`is_text`: it was written as one text, which is said as the user; others may include it. `partials`: templates that its own include
    by name."""

    name: str
    messages: tuple[PromptMessage, ...]
    variables: Mapping[str, PromptVariable] = field(default_factory=dict)
    partials: Mapping[str, str] = field(default_factory=dict)
    is_text: bool = False
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """Immutable. `document`: as it was published; `hash` is its content's. `number` counts from 1 within the name; 0: not kept yet."""

    tenant: TenantId
    name: str
    number: int
    hash: ContentHash
    document: JsonObject
    by: str
    created_at: datetime

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.number}"


@dataclass(frozen=True, slots=True)
class Rollout:
    """Which version whoever names none gets: version -> percent, together 100. None at all: the newest."""

    shares: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """`ValidationError` for shares that are not a whole."""
        problems = [
            Problem(f"/shares/{number}", "bad_share", f"a share is a whole percentage from 0 to {WHOLE}, not {share}")
            for number, share in self.shares.items()
            if not 0 <= share <= WHOLE
        ]
        summed = sum(self.shares.values())
        if self.shares and not problems and summed != WHOLE:
            problems.append(Problem("/shares", "bad_share", f"the shares are {summed} percent together: make them {WHOLE}"))
        if problems:
            raise ValidationError("this is no rollout: see `problems`", problems)

    def chooses(self, newest: int, name: str, seed: str) -> int:
        """The version for whoever has this seed: the same one as long as the rollout stays, spread over seeds as the shares say. Versions,
        in order of their numbers, each have a range of the percentages: moving shares between neighbours moves few."""
        at = int.from_bytes(hashlib.sha256(f"{name}\n{seed}".encode()).digest()[:8]) % WHOLE
        for number, share in sorted(self.shares.items()):
            if at < share:
                return number
            at -= share
        return newest

    def may_choose(self, newest: int) -> tuple[int, ...]:
        return tuple(sorted(number for number, share in self.shares.items() if share)) or (newest,)
