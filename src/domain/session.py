"""Who is working, with which permissions, on what. It holds threads."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain.errors import IllegalTransition
from domain.ids import Position, RunId, SessionId, TenantId, ThreadId
from domain.json import Json, JsonObject


class SessionState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ABORTED = "aborted"


_NEXT = {
    SessionState.ACTIVE: {SessionState.PAUSED, SessionState.COMPLETED, SessionState.ABORTED},
    SessionState.PAUSED: {SessionState.ACTIVE, SessionState.COMPLETED, SessionState.ABORTED},
}


@dataclass(frozen=True, slots=True)
class SessionContext:
    """`permissions`: names of tools that its runs may call; None: all that its runs would have without a session."""

    metadata: JsonObject = field(default_factory=dict)
    preferences: JsonObject = field(default_factory=dict)
    permissions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """`workflow`: what a message into it starts, `name` or `name@version`. `main`: the thread that messages go to."""

    id: SessionId
    tenant: TenantId
    user_id: str
    created_at: datetime
    updated_at: datetime
    main: ThreadId
    state: SessionState = SessionState.ACTIVE
    workflow: str | None = None
    context: SessionContext = field(default_factory=SessionContext)

    def moved(self, state: SessionState, at: datetime) -> "Session":
        """The same session in another state; `completed` and `aborted` are final. `IllegalTransition` names both states."""
        if state is self.state:
            return self
        if state not in _NEXT.get(self.state, ()):
            raise IllegalTransition(f"the session is {self.state.value} and cannot become {state.value}")
        return replace(self, state=state, updated_at=at)


class InteractionType(StrEnum):
    USER_REQUEST = "user_request"
    SYSTEM_RESPONSE = "system_response"
    TOOL_EXECUTION = "tool_execution"
    STATE_CHANGE = "state_change"


@dataclass(frozen=True, slots=True)
class UserInteraction:
    """One thing that happened in a session, as a row of one of its threads' journals tells it. `run` is "" for an edit between runs."""

    thread: ThreadId
    position: Position
    run: RunId
    interaction_type: InteractionType
    content: Json
    timestamp: datetime
