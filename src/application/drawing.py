"""Pictures of published graphs, in the languages that draw them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.access import Principal, Role
from domain.errors import Problem, ValidationError
from domain.graph.definition import Graph
from domain.graph.notes import NO_NOTES, Notes
from domain.ports.repositories import Workflows


class Draw(Protocol):
    def __call__(self, graph: Graph, notes: Notes = NO_NOTES, /) -> str: ...


@dataclass(frozen=True, slots=True)
class DrawWorkflow:
    """`languages`: `mermaid`, `dot`, ... and what writes a graph in each."""

    workflows: Workflows
    languages: Mapping[str, Draw]

    async def __call__(self, who: Principal, name: str, version: str, language: str) -> str:
        who.must_be(Role.VIEWER)
        found = await self.workflows.get(who.tenant, name, version)
        return self.drawn(found.graph, language)

    def drawn(self, graph: Graph, language: str, notes: Notes = NO_NOTES) -> str:
        if language not in self.languages:
            known = ", ".join(self.languages) or "none"
            raise ValidationError("there is no such picture", [Problem("/query/format", "not_available", f"graphs are drawn in: {known}")])
        return self.languages[language](graph, notes)
