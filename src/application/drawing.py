"""Pictures of published graphs, in the languages that draw them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from domain.access import Principal, Role
from domain.errors import Problem, ValidationError
from domain.graph.definition import Graph
from domain.ports.repositories import Workflows

Draw: TypeAlias = Callable[[Graph], str]


@dataclass(frozen=True, slots=True)
class DrawWorkflow:
    """`languages`: `mermaid`, `dot`, ... and what writes a graph in each."""

    workflows: Workflows
    languages: Mapping[str, Draw]

    async def __call__(self, who: Principal, name: str, version: str, language: str) -> str:
        who.must_be(Role.VIEWER)
        found = await self.workflows.get(who.tenant, name, version)
        if language not in self.languages:
            known = ", ".join(self.languages) or "none"
            raise ValidationError("there is no such picture", [Problem("/query/format", "not_available", f"graphs are drawn in: {known}")])
        return self.languages[language](found.graph)
