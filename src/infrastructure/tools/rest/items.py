"""Items of a query or a form: a name, and a value in one of the styles of OpenAPI."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from domain.errors import ToolError
from domain.json import Json
from infrastructure.tools.rest.styles import QueryStyle, query_pairs
from infrastructure.tools.rest.templates import Given, Missing, Tree, filled, text_of


@dataclass(frozen=True, slots=True)
class QueryItem:
    """`style`: None for a plain value, of which an object is sent as JSON."""

    name: str
    tree: Tree
    style: QueryStyle | None = None
    explode: bool = True

    def pairs(self, given: Given, others: Set[str]) -> list[tuple[str, str]]:
        """As they are sent, percent-encoded; none for null and for what is missing. The members of an object become items of their own:
        `ToolError` for one that would pass for one of the `others`, which are the config's."""
        value = filled(self.tree, given)
        if value is None or isinstance(value, Missing):
            return []
        if self.style is None:
            return query_pairs(self.name, text_of(value) if isinstance(value, Mapping) else value)
        if isinstance(value, Mapping) and self.explode and self.style == "form":
            self._refuse_strangers(value, others)
        return query_pairs(self.name, value, self.style, self.explode)

    def _refuse_strangers(self, value: Mapping[str, Json], others: Set[str]) -> None:
        for member in value:
            if member in others and member != self.name:
                message = f"invalid arguments: /{self.name}/{member}: the request has a {member} of its own"
                raise ToolError(message, "invalid_arguments")
