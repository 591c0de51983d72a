"""Sessions and what happened in them, as readers get them."""

from datetime import datetime

from pydantic import JsonValue

from application.run_views import RunView
from application.views import View, json_object, json_value, perhaps
from domain.session import InteractionType, Session, SessionState, UserInteraction


class SessionView(View):
    """`thread_id`: its main thread, where messages go. `permissions`: null when its runs may call every tool."""

    id: str
    user_id: str
    state: SessionState
    workflow: str | None
    thread_id: str
    metadata: dict[str, JsonValue]
    preferences: dict[str, JsonValue]
    permissions: list[str] | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, session: Session) -> "SessionView":
        context = session.context
        return cls(
            id=session.id,
            user_id=session.user_id,
            state=session.state,
            workflow=session.workflow,
            thread_id=session.main,
            metadata=json_object(context.metadata),
            preferences=json_object(context.preferences),
            permissions=perhaps(list, context.permissions),
            created_at=session.created_at,
            updated_at=session.updated_at,
        )


class InteractionView(View):
    """`position`: of the row of the thread's journal that tells it; null for a request whose run has not begun. `run_id` is null for an
    edit between runs."""

    interaction_id: str
    session_id: str
    type: InteractionType
    content: JsonValue
    timestamp: datetime
    run_id: str | None
    thread_id: str
    position: int | None

    @classmethod
    def of(cls, told: UserInteraction) -> "InteractionView":
        return cls(
            interaction_id=told.interaction_id,
            session_id=told.session,
            type=told.interaction_type,
            content=json_value(told.content),
            timestamp=told.timestamp,
            run_id=told.run or None,
            thread_id=told.thread,
            position=told.position or None,
        )


class InteractionResultView(View):
    """`interaction`: what was said. `run`: what it started. `response`: how the run ended; null while it goes on."""

    interaction: InteractionView
    run: RunView
    response: InteractionView | None
