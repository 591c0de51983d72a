"""Which version every workflow and prompt that a graph names stands for, through all levels."""

from collections.abc import Iterator, Mapping
from typing import Final

from application.documents import pointer_to
from application.used_prompts import resolve_prompts
from domain.errors import NotFound, Problem
from domain.graph.definition import Graph
from domain.ids import TenantId, ThreadId
from domain.ports.prompts import Prompts
from domain.ports.repositories import Workflows
from domain.workflow import WorkflowVersion

SELF: Final = "self"


def named_workflows(graph: Graph) -> Iterator[tuple[str, str]]:
    """Where a workflow is named (`/nodes/review/workflow`) and how (`name`, `name@version`), inner graphs included; `self` is left out."""
    for name, node in graph.nodes.items():
        at = pointer_to("/nodes", name)
        written = node.config.get("workflow")
        if isinstance(written, str) and written != SELF:
            yield f"{at}/workflow", written
        if node.graph is not None:
            yield from ((f"{at}/graph{pointer}", inner) for pointer, inner in named_workflows(node.graph))


def name_and_version(reference: str) -> tuple[str, str | None]:
    """The two halves of `name@version`; None for the newest."""
    name, _, version = reference.partition("@")
    return name, version or None


async def named_versions(workflows: Workflows, tenant: TenantId, graph: Graph) -> Mapping[str, WorkflowVersion]:
    """By the name as written; each is looked up once, so circles are fine. `WorkflowNotFound` says what is missing."""
    found: dict[str, WorkflowVersion] = {}
    todo = [graph]
    while todo:
        for _, reference in named_workflows(todo.pop()):
            if reference not in found:
                found[reference] = await workflows.get(tenant, *name_and_version(reference))
                todo.append(found[reference].graph)
    return found


async def resolve_versions(workflows: Workflows, prompts: Prompts, tenant: TenantId, graph: Graph, thread: ThreadId) -> Mapping[str, str]:
    """The hashes of `named_versions` and the numbers of `resolve_prompts`, for the run of this thread that starts now."""
    found = await named_versions(workflows, tenant, graph)
    chosen = await resolve_prompts(prompts, tenant, [graph, *(version.graph for version in found.values())], thread)
    return {**{reference: version.metadata.id for reference, version in found.items()}, **chosen}


async def unknown_workflows(workflows: Workflows, tenant: TenantId, graph: Graph) -> list[Problem]:
    """A problem for every workflow that a graph names and that is not there. A graph may name itself before it is published."""
    checked: dict[str, str | None] = {}
    for _, reference in named_workflows(graph):
        if reference not in checked:
            checked[reference] = None if _is_itself(graph, reference) else await _missing(workflows, tenant, reference)
    return [Problem(at, "unknown_workflow", message) for at, reference in named_workflows(graph) if (message := checked[reference])]


def _is_itself(graph: Graph, reference: str) -> bool:
    name, version = name_and_version(reference)
    return name == graph.name and version in (None, graph.version)


async def _missing(workflows: Workflows, tenant: TenantId, reference: str) -> str | None:
    try:
        await workflows.get(tenant, *name_and_version(reference))
    except NotFound as error:
        return error.message
    return None
