"""What an import is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from application.openapi.operations import Operation


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which operations, and how. An empty filter lets everything through; several must all agree. `secrets`: names by security scheme.
    `checks_answers`: a tool refuses an answer that its document does not describe."""

    methods: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    operations: frozenset[str] = frozenset()
    prefix: str = ""
    server: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    checks_answers: bool = False

    def takes(self, operation: Operation) -> bool:
        return (
            (not self.methods or operation.method.upper() in self.methods)
            and (not self.tags or not self.tags.isdisjoint(operation.tags))
            and (not self.paths or any(fnmatchcase(operation.path, path) for path in self.paths))
            and (not self.operations or operation.id in self.operations)
        )
