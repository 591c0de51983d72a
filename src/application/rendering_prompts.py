"""A published prompt that is ready to be rendered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from application.documents import pointer_to
from domain.errors import Problem, UnfitVariables
from domain.json import Json, JsonObject
from domain.ports.schemas import Schema
from domain.ports.templates import Template
from domain.prompt import PromptVariable


@dataclass(frozen=True, slots=True)
class PreparedPrompt:
    """A `ReadyPrompt`."""

    reference: str
    variables: Mapping[str, PromptVariable]
    schemas: Mapping[str, Schema]
    messages: tuple[tuple[str, Template], ...]

    def __call__(self, values: Mapping[str, Json]) -> tuple[JsonObject, ...]:
        problems = list(self._wrong(values))
        if problems:
            said = "; ".join(f"{problem.pointer}: {problem.message}" for problem in problems[:3])
            raise UnfitVariables(f"prompt {self.reference} cannot be rendered with these variables: {said}", problems)
        scope = {**{name: one.default for name, one in self.variables.items() if one.has_default}, **values}
        return tuple({"role": role, "content": template(scope)} for role, template in self.messages)

    def _wrong(self, values: Mapping[str, Json]) -> Iterator[Problem]:
        yield from self.wrong_names(values)
        for name in sorted(values.keys() & self.schemas.keys()):
            if not self.schemas[name].accepts(values[name]):
                for found in self.schemas[name].problems(values[name]):
                    yield Problem(pointer_to("/variables", name) + found.pointer, found.code, found.message)

    def wrong_names(self, given: Mapping[str, Json]) -> Iterator[Problem]:
        """Variables that are given and not declared, or the other way round."""
        for name in sorted(given.keys() - self.variables.keys()):
            known = ", ".join(sorted(self.variables)) or "none"
            yield Problem(pointer_to("/variables", name), "unknown_variable", f"the prompt has no variable `{name}`; it has {known}")
        for name, variable in self.variables.items():
            if name not in given and variable.must_be_given:
                yield Problem("/variables", "missing_variable", f"the variable `{name}` is missing")


def undefined(path: tuple[str, ...], schema: Json) -> str:
    """Why a path names what no value of the variable has, where its schema tells all the members that there may be."""
    for depth, member in enumerate(path[1:], 1):
        members = schema.get("properties") if isinstance(schema, Mapping) else None
        if not isinstance(schema, Mapping) or not isinstance(members, Mapping):
            return ""
        if member not in members:
            is_closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
            known = ", ".join(map(str, members)) or "none"
            return f"`{'.'.join(path[:depth])}` has no `{member}`; its members are {known}" if is_closed else ""
        schema = members[member]
    return ""
