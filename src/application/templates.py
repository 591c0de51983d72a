"""Templates: graph documents with typed holes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.documents import pointer_to, summary
from application.documents.bounds import unfit
from application.inspection import problems_of_schema, problems_of_value
from application.once import Once, digest_of
from application.paging import PageOrder, shown
from application.views import PageView
from application.workflow_views import KeptTemplate, TemplateView
from domain.access import Principal, Role
from domain.errors import Problem, ValidationError
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.nodes import Workshop
from domain.ports.repositories import TemplateShelf
from domain.workflow import TemplateParameter, WorkflowTemplate

_TAKEN: Final = frozenset({"state", "input", "output", "item", "index", "error", "errors", "run", "undone"})
"""Prompts say `{{ state.x }}` and mean it, so no hole may be called that."""
_NEW: Final = "new"
_REPLACED: Final = "replaced"


class ParameterOrder(BaseModel):
    """A hole: `{{name}}`. It must be filled unless it has a `default`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, populate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    json_schema: dict[str, JsonValue] = Field(default_factory=dict, alias="schema")
    default: JsonValue = None

    def as_parameter(self) -> TemplateParameter:
        has_default = "default" in self.model_fields_set
        return TemplateParameter(self.name, cast("JsonObject", self.json_schema), cast("Json", self.default), required=not has_default)


class TemplateOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
    description: Annotated[str, Field(max_length=4_000)] = ""
    parameters: Annotated[list[ParameterOrder], Field(max_length=200)] = Field(default_factory=list)
    document: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class PutTemplate:
    """Keep or replace a template. Its holes are checked; what it will say is checked when it is filled and published. A request that comes
    again with its key replaces nothing: somebody may have put another one there meanwhile."""

    templates: TemplateShelf
    once: Once
    workshop: Workshop
    clock: Clock

    async def __call__(self, who: Principal, order: TemplateOrder, key: str | None = None) -> KeptTemplate:
        who.must_be(Role.AUTHOR)
        template = self._asked_for(who, order)
        if key is None:
            return KeptTemplate(TemplateView.whole(template), await self.templates.put(template))

        async def put() -> str:
            return f"{_NEW if await self.templates.put(template) else _REPLACED} {template.created_at.isoformat()}"

        told = await self.once.done(who, key, digest_of("template", order.model_dump(mode="json", exclude_unset=True)), put)
        word, _, at = told.partition(" ")
        return KeptTemplate(TemplateView.whole(replace(template, created_at=datetime.fromisoformat(at))), word == _NEW)

    def _asked_for(self, who: Principal, order: TemplateOrder) -> WorkflowTemplate:
        document, parameters = cast("JsonObject", order.document), tuple(given.as_parameter() for given in order.parameters)
        _refuse([*_wrong_document(document), *self._wrong_parameters(parameters), *_wrong_holes(document, parameters)])
        return WorkflowTemplate(who.tenant, order.name, order.description, parameters, document, self.clock.now())

    def _wrong_parameters(self, parameters: Sequence[TemplateParameter]) -> Iterator[Problem]:
        for number, parameter in enumerate(parameters):
            at = f"/parameters/{number}"
            wrong = problems_of_schema(self.workshop, f"{at}/schema", parameter.schema)
            yield from wrong
            if not wrong and not parameter.required:
                yield from problems_of_value(self.workshop, f"{at}/default", parameter.schema, parameter.default)


@dataclass(frozen=True, slots=True)
class GetTemplate:
    templates: TemplateShelf

    async def __call__(self, who: Principal, name: str) -> TemplateView:
        who.must_be(Role.VIEWER)
        return TemplateView.whole(await self.templates.get(who.tenant, name))


@dataclass(frozen=True, slots=True)
class ListTemplates:
    """Without documents."""

    templates: TemplateShelf

    async def __call__(self, who: Principal, order: PageOrder) -> PageView[TemplateView]:
        who.must_be(Role.VIEWER)
        return shown(await self.templates.list(who.tenant, order.limit, order.cursor), TemplateView.of)


@dataclass(frozen=True, slots=True)
class InstantiateTemplate:
    """Fill the holes; answers a document, and publishes nothing. `ValidationError` for values that are missing, unknown or unfit."""

    templates: TemplateShelf
    workshop: Workshop

    async def __call__(self, who: Principal, name: str, parameters: JsonObject) -> dict[str, JsonValue]:
        who.must_be(Role.VIEWER)
        template = await self.templates.get(who.tenant, name)
        _refuse(list(self._wrong_values(template, parameters)))
        defaults = {parameter.name: parameter.default for parameter in template.parameters if not parameter.required}
        document = filled(template.document, {**defaults, **parameters})
        _refuse(list(unfit(document)))
        return cast("dict[str, JsonValue]", document)

    def _wrong_values(self, template: WorkflowTemplate, values: JsonObject) -> Iterator[Problem]:
        known = {parameter.name: parameter for parameter in template.parameters}
        for name in sorted(values.keys() - known.keys()):
            message = f"`{template.name}` has no parameter `{name}`; it has {', '.join(known) or 'none'}"
            yield Problem(pointer_to("/parameters", name), "unknown_parameter", message)
        for name, parameter in known.items():
            if name in values:
                yield from problems_of_value(self.workshop, pointer_to("/parameters", name), parameter.schema, values[name])
            elif parameter.required:
                yield Problem("/parameters", "missing_parameter", f"the parameter `{name}` is missing")


def filled(document: Json, values: Mapping[str, Json]) -> Json:
    """A text that is exactly `{{name}}` becomes the value; inside a longer text, or a key, its text. Other braces are left alone."""
    if not values:
        return document
    hole = re.compile(r"\{\{\s*(" + "|".join(map(re.escape, values)) + r")\s*\}\}")
    return _filled(document, values, hole)


def _filled(written: Json, values: Mapping[str, Json], hole: re.Pattern[str]) -> Json:
    if isinstance(written, str):
        exact = hole.fullmatch(written)
        return values[exact[1]] if exact else _filled_text(written, values, hole)
    if isinstance(written, Mapping):
        return {_filled_text(key, values, hole): _filled(inner, values, hole) for key, inner in written.items()}
    if isinstance(written, list | tuple):
        return [_filled(inner, values, hole) for inner in written]
    return written


def _filled_text(written: str, values: Mapping[str, Json], hole: re.Pattern[str]) -> str:
    return hole.sub(lambda found: _as_text(values[found[1]]), written)


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _wrong_document(document: JsonObject) -> Iterator[Problem]:
    return (Problem(f"/document{found.pointer}", found.code, found.message) for found in unfit(document))


def _wrong_holes(document: JsonObject, parameters: Sequence[TemplateParameter]) -> Iterator[Problem]:
    text = json.dumps(document, ensure_ascii=False)
    seen: set[str] = set()
    for number, parameter in enumerate(parameters):
        at = f"/parameters/{number}/name"
        if parameter.name in seen or parameter.name in _TAKEN:
            yield Problem(at, "name_taken", f"`{parameter.name}` is taken; call the parameter something else")
        elif not re.search(r"\{\{\s*" + re.escape(parameter.name) + r"\s*\}\}", text):
            yield Problem(at, "no_hole", f"the document has no hole `{{{{{parameter.name}}}}}`")
        seen.add(parameter.name)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise ValidationError(summary(list(problems)), problems)
