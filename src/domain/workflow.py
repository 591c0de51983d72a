"""A published graph, and the registry words around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.graph.definition import Graph
from domain.ids import ContentHash, TenantId
from domain.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class WorkflowMetadata:
    """`id` is the content hash of this version; `created_at` is when the name was first published, `updated_at` when its newest version
    was."""

    id: ContentHash
    name: str
    version: str
    description: str
    created_at: datetime
    updated_at: datetime
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowVersion:
    """Immutable. `document` is the graph as posted (its `position`s kept), `graph` the same, parsed."""

    tenant: TenantId
    metadata: WorkflowMetadata
    document: JsonObject
    graph: Graph


@dataclass(frozen=True, slots=True)
class TemplateParameter:
    """A typed hole of a template: a JSON Schema, and a default where one is given."""

    name: str
    schema: JsonObject
    default: Json = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class WorkflowTemplate:
    """A graph document with `{{parameter}}` holes; filling them gives a document, and publishes nothing."""

    tenant: TenantId
    name: str
    description: str
    parameters: tuple[TemplateParameter, ...]
    document: JsonObject
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WorkflowRegistry:
    """What one tenant has: workflows by name then version, templates by name."""

    workflows: Mapping[str, Mapping[str, WorkflowMetadata]] = field(default_factory=dict)
    templates: Mapping[str, WorkflowTemplate] = field(default_factory=dict)
