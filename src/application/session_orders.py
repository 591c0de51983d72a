"""What is asked for when a session is opened or changed, or when something is said in it."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict

from application.paging import PageOrder
from application.run_orders import REFERENCE
from domain.ids import SessionId, TenantId, ThreadId
from domain.run.terms import OnBusy
from domain.session import Session, SessionContext, SessionState

MESSAGE: Final = "message"
"""The member of a run's input that a text goes to."""
MOST_PERMISSIONS: Final = 1_000
LONGEST_TEXT: Final = 4 * 1024 * 1024
UserId = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Workflow = Annotated[str, Field(strict=True, pattern=REFERENCE)]
ToolName = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}\*?$")]
Permissions = Annotated[list[ToolName], Field(max_length=MOST_PERMISSIONS)]
Id = Annotated[str, Field(strict=True, max_length=64)]


class SessionOrder(BaseModel):
    """`workflow`: what a message starts that names none, `name` (its newest version each time) or `name@1.2.0`. `permissions`: the tools
    that its runs may call; `mail.*` means every name that begins with `mail.`, null all tools, an empty list none."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    user_id: UserId
    workflow: Workflow | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    preferences: dict[str, JsonValue] = Field(default_factory=dict)
    permissions: Permissions | None = None

    @property
    def context(self) -> SessionContext:
        return SessionContext(self.metadata, self.preferences, _tuple(self.permissions))


class SessionPatch(BaseModel):
    """What is said is replaced whole; the rest stays. Null takes `workflow` away, and what `permissions` kept from its runs."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    workflow: Workflow | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    preferences: dict[str, JsonValue] = Field(default_factory=dict)
    permissions: Permissions | None = None

    def changes(self, session: Session) -> dict[str, Any]:
        """Fields of the session by name."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        here = session.context
        context = SessionContext(
            said.get("metadata", here.metadata),
            said.get("preferences", here.preferences),
            _tuple(said["permissions"]) if "permissions" in said else here.permissions,
        )
        return {"workflow": said.get("workflow", session.workflow), "context": context}


class SessionListOrder(PageOrder):
    user_id: Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")] = None
    state: SessionState | None = None


class InteractionOrder(BaseModel):
    """`content`: a text becomes the input `{"message": TEXT}`, an object is the input. `workflow`: null for the session's own.
    `thread_id`: null for its main thread."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    content: Annotated[str, Field(strict=True, max_length=LONGEST_TEXT)] | dict[str, JsonValue]
    workflow: Workflow | None = None
    thread_id: Id | None = None
    on_busy: Annotated[OnBusy, Strict(False)] = OnBusy.ENQUEUE
    """What becomes of it while a run of the thread is unfinished."""

    @property
    def input(self) -> dict[str, JsonValue]:
        return {MESSAGE: self.content} if isinstance(self.content, str) else self.content


class InteractionListOrder(PageOrder):
    """`thread_id`: of that thread only. The cursor holds a position for every thread."""

    cursor: Annotated[str | None, Field(min_length=1, max_length=16_384, pattern=r"^[!-~]+$")] = None
    thread_id: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None


def a_session(order: SessionOrder, identity: SessionId, tenant: TenantId, main: ThreadId, now: datetime) -> Session:
    return Session(identity, tenant, order.user_id, now, now, main, workflow=order.workflow, context=order.context)


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
