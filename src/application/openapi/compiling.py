"""What of a document's schemas our own compiler takes: documents have regular expressions of any language."""

from dataclasses import dataclass, field
from typing import Final

from domain.errors import ValidationError
from domain.json import Json
from domain.ports.schemas import Schemas

LONGEST_PATTERN: Final = 1_000


@dataclass(frozen=True, slots=True)
class Compiler:
    schemas: Schemas
    _patterns: dict[str, bool] = field(default_factory=dict)

    def accepts_pattern(self, pattern: str) -> bool:
        if pattern not in self._patterns:
            self._patterns[pattern] = len(pattern) <= LONGEST_PATTERN and not self.refusal({"pattern": pattern})
        return self._patterns[pattern]

    def refusal(self, schema: Json) -> str:
        """Why it cannot be used, or ""."""
        try:
            self.schemas.compile(schema)
        except ValidationError as error:
            return error.message
        return ""
