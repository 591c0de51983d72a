"""What to say of a workflow or template that is not there: up to ten that are."""

from collections.abc import Sequence
from typing import Final

from domain.errors import TemplateNotFound, WorkflowNotFound
from domain.ids import ContentHash

NAMED_AT_MOST: Final = 10


def no_workflow(name: str, known: Sequence[str]) -> WorkflowNotFound:
    return WorkflowNotFound(f"there is no workflow {name}; known: {_some(known)}")


def no_version(name: str, version: str, known: Sequence[str]) -> WorkflowNotFound:
    return WorkflowNotFound(f"there is no {name}@{version}; known versions: {_some(known)}")


def no_content(content: ContentHash) -> WorkflowNotFound:
    return WorkflowNotFound(f"there is no workflow with the content {content}")


def no_template(name: str, known: Sequence[str]) -> TemplateNotFound:
    return TemplateNotFound(f"there is no template {name}; known: {_some(known)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED_AT_MOST]) + (", ..." if len(names) > NAMED_AT_MOST else "") or "none yet"
