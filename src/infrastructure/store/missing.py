"""What to say of a workflow, a template, a prompt or a session that is not there; of the first three up to ten that are."""

from collections.abc import Sequence
from typing import Final

from domain.errors import PromptNotFound, SessionChanged, SessionNotFound, TemplateNotFound, WorkflowNotFound
from domain.ids import ContentHash, SessionId
from domain.session import Session

NAMED_AT_MOST: Final = 10


def no_workflow(name: str, known: Sequence[str]) -> WorkflowNotFound:
    return WorkflowNotFound(f"there is no workflow {name}; known: {_some(known)}")


def no_version(name: str, version: str, known: Sequence[str]) -> WorkflowNotFound:
    return WorkflowNotFound(f"there is no {name}@{version}; known versions: {_some(known)}")


def no_content(content: ContentHash) -> WorkflowNotFound:
    return WorkflowNotFound(f"there is no workflow with the content {content}")


def no_template(name: str, known: Sequence[str]) -> TemplateNotFound:
    return TemplateNotFound(f"there is no template {name}; known: {_some(known)}")


def no_prompt(name: str, known: Sequence[str]) -> PromptNotFound:
    return PromptNotFound(f"there is no prompt {name}; known: {_some(known)}")


def no_prompt_version(name: str, number: int, known: Sequence[int]) -> PromptNotFound:
    return PromptNotFound(f"there is no {name}@{number}; known versions: {_some([str(one) for one in known])}")


def no_session(session: SessionId) -> SessionNotFound:
    return SessionNotFound(f"there is no session {session}")


def session_moved_on(there: Session) -> SessionChanged:
    return SessionChanged(f"session {there.id} was changed at {there.updated_at.isoformat()} by somebody else: read it again")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED_AT_MOST]) + (", ..." if len(names) > NAMED_AT_MOST else "") or "none yet"
