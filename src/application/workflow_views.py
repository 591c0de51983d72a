"""What readers get of workflows and templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from pydantic import ConfigDict, Field, JsonValue

from application.validation import Validation
from application.views import View
from domain.errors import Problem
from domain.json import JsonObject
from domain.workflow import TemplateParameter, WorkflowMetadata, WorkflowTemplate, WorkflowVersion


def as_document(written: JsonObject) -> dict[str, JsonValue]:
    """A document as a view holds it; it came from JSON, so it is JSON."""
    return cast("dict[str, JsonValue]", written)


class ProblemView(View):
    """`pointer` is a JSON pointer into the document; `line` and `column` count from 1 and are there for YAML."""

    pointer: str
    code: str
    message: str
    line: int | None = None
    column: int | None = None

    @classmethod
    def of(cls, problem: Problem) -> "ProblemView":
        return cls(pointer=problem.pointer, code=problem.code, message=problem.message, line=problem.line, column=problem.column)


def problem_views(problems: Sequence[Problem]) -> list[ProblemView]:
    return [ProblemView.of(problem) for problem in problems]


class ValidationView(View):
    """Warnings make nothing invalid."""

    valid: bool
    problems: list[ProblemView]
    warnings: list[ProblemView]

    @classmethod
    def of(cls, validation: Validation) -> "ValidationView":
        return cls(valid=validation.valid, problems=problem_views(validation.problems), warnings=problem_views(validation.warnings))


class WorkflowView(View):
    """One version; `document` where one was asked for. `created_at`: of the name's first version; `updated_at`: of this one."""

    name: str
    version: str
    hash: str
    description: str
    created_at: datetime
    updated_at: datetime
    tags: list[str]
    document: dict[str, JsonValue] | None = None

    @classmethod
    def of(cls, about: WorkflowMetadata) -> "WorkflowView":
        return cls(
            name=about.name,
            version=about.version,
            hash=about.id,
            description=about.description,
            created_at=about.created_at,
            updated_at=about.updated_at,
            tags=list(about.tags),
        )

    @classmethod
    def whole(cls, version: WorkflowVersion) -> "WorkflowView":
        return cls.of(version.metadata).model_copy(update={"document": as_document(version.document)})


@dataclass(frozen=True, slots=True)
class PublishedWorkflow:
    """`fresh` False: this very content was already published under this version."""

    view: WorkflowView
    fresh: bool
    warnings: list[ProblemView]


class TemplateParameterView(View):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, populate_by_name=True)

    name: str
    json_schema: dict[str, JsonValue] = Field(alias="schema")
    required: bool
    default: JsonValue = None

    @classmethod
    def of(cls, parameter: TemplateParameter) -> "TemplateParameterView":
        return cls(
            name=parameter.name,
            json_schema=as_document(parameter.schema),
            required=parameter.required,
            default=cast("JsonValue", parameter.default),
        )


class TemplateView(View):
    """`document` where one was asked for."""

    name: str
    description: str
    parameters: list[TemplateParameterView]
    created_at: datetime
    document: dict[str, JsonValue] | None = None

    @classmethod
    def of(cls, template: WorkflowTemplate) -> "TemplateView":
        return cls(
            name=template.name,
            description=template.description,
            parameters=[TemplateParameterView.of(parameter) for parameter in template.parameters],
            created_at=template.created_at,
        )

    @classmethod
    def whole(cls, template: WorkflowTemplate) -> "TemplateView":
        return cls.of(template).model_copy(update={"document": as_document(template.document)})


@dataclass(frozen=True, slots=True)
class KeptTemplate:
    """`fresh`: the name is new."""

    view: TemplateView
    fresh: bool
