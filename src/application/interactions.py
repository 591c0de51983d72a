"""What is said in a session, and everything that came of it, in order."""

from dataclasses import dataclass
from typing import Final

from application.interaction_rows import Projection, answer_of, request_name, response_name
from application.merging import Merged, lines_of
from application.names import id_or
from application.once import digest_of
from application.placing import find_session
from application.run_orders import RunOrder
from application.run_views import RunView
from application.runs import StartRun
from application.session_orders import InteractionListOrder, InteractionOrder
from application.session_views import InteractionResultView, InteractionView
from application.tool_nodes import ToolNodes
from application.views import PageView
from domain.access import Principal, Role
from domain.errors import Problem, SessionError, ThreadNotFound, ValidationError
from domain.ids import Position, SessionId, ThreadId
from domain.ports.clock import Clock
from domain.ports.journal import Journal
from domain.ports.repositories import IdempotencyMark, Runs, Threads, Workflows
from domain.ports.sessions import Sessions
from domain.session import InteractionType, Session
from domain.thread import Thread

MOST_THREADS: Final = 200
"""So many threads of a session are read as one."""


@dataclass(frozen=True, slots=True)
class Begun:
    """`after`: a position before the run's first row, to follow it from. `fresh` False: an earlier request had said it."""

    session: SessionId
    run: RunView
    after: Position
    fresh: bool

    def result(self, run: RunView) -> InteractionResultView:
        """With the run as it stands now."""
        said = InteractionView(
            interaction_id=request_name(run.id),
            session_id=self.session,
            type=InteractionType.USER_REQUEST,
            content=run.input,
            timestamp=run.created_at,
            run_id=run.id,
            thread_id=run.thread_id,
            position=None,
        )
        return InteractionResultView(interaction=said, run=run, response=self._response(run))

    def _response(self, run: RunView) -> InteractionView | None:
        if run.ended_at is None:
            return None
        return InteractionView(
            interaction_id=response_name(run.id),
            session_id=self.session,
            type=InteractionType.SYSTEM_RESPONSE,
            content=answer_of(run.status.value, run.output, None if run.error is None else run.error.model_dump(mode="json")),
            timestamp=run.ended_at,
            run_id=run.id,
            thread_id=run.thread_id,
            position=None,
        )


@dataclass(frozen=True, slots=True)
class ProcessInteraction:
    """Starts a run of the session's workflow, on its main thread unless it is said otherwise."""

    sessions: Sessions
    journal: Journal
    start: StartRun
    clock: Clock

    async def __call__(self, who: Principal, session: str, order: InteractionOrder, key: str | None = None) -> Begun:
        """`IllegalTransition` where the session is not active; a key that came before is answered before that."""
        who.must_be(Role.OPERATOR)
        found = await find_session(self.sessions, who, session)
        asked = self._asked_for(found, order)
        after = await self.journal.end(who.tenant, ThreadId(asked.thread_id or found.main))
        mark = None
        if key is not None:
            digest = digest_of(f"interaction {found.id}", order.model_dump(mode="json"))
            mark = IdempotencyMark(key, digest, self.clock.now())
        started = await self.start.begin(who, asked, mark)
        return Begun(found.id, started.view, after if started.fresh else Position(0), started.fresh)

    def _asked_for(self, session: Session, order: InteractionOrder) -> RunOrder:
        workflow = order.workflow or session.workflow
        if workflow is None:
            missing = Problem("/workflow", "missing", "name one here, or give the session one")
            raise ValidationError("the session has no workflow of its own", [missing])
        return RunOrder(workflow=workflow, input=order.input, thread_id=order.thread_id, session_id=session.id, on_busy=order.on_busy)


@dataclass(frozen=True, slots=True)
class ListInteractions:
    """Read out of the journals of the session's threads."""

    sessions: Sessions
    threads: Threads
    journal: Journal
    runs: Runs
    workflows: Workflows

    async def __call__(self, who: Principal, session: str, order: InteractionListOrder) -> PageView[InteractionView]:
        """Oldest first. A page may be short and still name the next one."""
        who.must_be(Role.VIEWER)
        found = await find_session(self.sessions, who, session)
        threads = await self._all(found) if order.thread_id is None else [await self._one(found, order.thread_id)]
        project = Projection(found.id, ToolNodes(who.tenant, self.journal, self.runs, self.workflows))
        shown, cursor = await Merged(self.journal, project, lines_of(threads, order.cursor)).page(order.limit)
        return PageView(items=[InteractionView.of(told) for told in shown], next_cursor=cursor)

    async def _one(self, session: Session, thread: str) -> Thread:
        found = await self.threads.get(session.tenant, ThreadId(id_or(ThreadNotFound, thread)))
        if found.session != session.id:
            raise ThreadNotFound(f"session {session.id} has no thread {thread}")
        return found

    async def _all(self, session: Session) -> list[Thread]:
        page = await self.sessions.threads(session.tenant, session.id, MOST_THREADS, None)
        if page.next_cursor is not None:
            raise SessionError(f"session {session.id} has more than {MOST_THREADS} threads: ask for those of one with `thread_id`")
        return list(page.items)
