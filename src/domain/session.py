"""Who is working, with which permissions, on what. It holds threads."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from domain.acting import Acting
from domain.errors import IllegalTransition
from domain.ids import Position, RunId, SessionId, TenantId, ThreadId
from domain.json import Json, JsonObject

_INSTANT: Final = timedelta(microseconds=1)


class SessionState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ABORTED = "aborted"

    @property
    def is_final(self) -> bool:
        return self not in _NEXT


_NEXT = {
    SessionState.ACTIVE: {SessionState.PAUSED, SessionState.COMPLETED, SessionState.ABORTED},
    SessionState.PAUSED: {SessionState.ACTIVE, SessionState.COMPLETED, SessionState.ABORTED},
}


@dataclass(frozen=True, slots=True)
class SessionContext:
    """`permissions`: names of tools that its runs may call, one that ends in `*` for all that begin so; None: all that its runs would have
    without a session."""

    metadata: JsonObject = field(default_factory=dict)
    preferences: JsonObject = field(default_factory=dict)
    permissions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """`workflow`: what a message into it starts, `name` or `name@version`. `main`: the thread that messages go to. `updated_at` is another
    one after each change."""

    id: SessionId
    tenant: TenantId
    user_id: str
    created_at: datetime
    updated_at: datetime
    main: ThreadId
    state: SessionState = SessionState.ACTIVE
    workflow: str | None = None
    context: SessionContext = field(default_factory=SessionContext)

    @property
    def is_aborted(self) -> bool:
        return self.state is SessionState.ABORTED

    def moved(self, state: SessionState, at: datetime) -> "Session":
        """The same session in another state; `completed` and `aborted` are final. `IllegalTransition` names both states."""
        if state is self.state:
            return self
        if state not in _NEXT.get(self.state, ()):
            raise IllegalTransition(f"the session is {self.state.value} and cannot become {state.value}")
        return self._later(at, state=state)

    def changed(self, at: datetime, **changes: Any) -> "Session":
        """The same session with something else in it (fields by name). `IllegalTransition` for one that is over."""
        if self.state.is_final:
            raise IllegalTransition(f"the session is {self.state.value} and cannot be changed any more")
        return self._later(at, **changes)

    def must_be_active(self) -> None:
        """Only an active one lets runs begin; `IllegalTransition` names both states."""
        if self.state is not SessionState.ACTIVE:
            advice = "open another one" if self.state.is_final else "resume it first"
            raise IllegalTransition(f"the session is {self.state.value} and must be active for a run to start in it: {advice}")

    @property
    def acting(self) -> Acting:
        return Acting(self.id, self.user_id, self.context.permissions)

    def _later(self, at: datetime, **changes: Any) -> "Session":
        """Two changes within one tick of the clock have two times all the same."""
        return replace(self, updated_at=max(at, self.updated_at + _INSTANT), **changes)


class InteractionType(StrEnum):
    USER_REQUEST = "user_request"
    SYSTEM_RESPONSE = "system_response"
    TOOL_EXECUTION = "tool_execution"
    STATE_CHANGE = "state_change"


@dataclass(frozen=True, slots=True)
class UserInteraction:
    """One thing that happened in a session, as a row of one of its threads' journals tells it. `run` is "" for an edit between runs."""

    interaction_id: str
    session: SessionId
    thread: ThreadId
    position: Position
    run: RunId
    interaction_type: InteractionType
    content: Json
    timestamp: datetime
